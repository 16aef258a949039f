import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Forgery, flash values, tokens in header fields, grace")
struct ForgeryTests {
    private let csrf = HTTPField.Name("X-CSRF-Token")

    private func fields(_ token: String?) throws -> HTTPFields {
        var fields = HTTPFields()
        fields[try #require(self.csrf)] = token
        return fields
    }

    @Test("R36 a writing request needs its own session's token, in the field or the form", arguments: Store.allCases)
    func csrf(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        let token = try await browser.visit(config) { try await csrfToken($0) }
        let other = try await Browser().visit(config) { try await csrfToken($0) }
        #expect(token.utf8.count == 43)
        #expect(token != other)
        #expect(try await browser.visit(config) { try await csrfToken($0) } == token)

        func outcome(
            _ method: HTTPRequest.Method, header: String? = nil, form: String? = nil, _ client: Browser? = nil
        ) async throws -> SessionError.Code? {
            try await (client ?? browser).visit(config, method, try self.fields(header)) { event in
                try await code { try await verifyCSRF(event, token: form) }
            }
        }
        for method in [HTTPRequest.Method.get, .head, .options, .trace] { #expect(try await outcome(method) == nil) }
        for method in [HTTPRequest.Method.post, .put, .patch, .delete] {
            #expect(try await outcome(method) == .forbidden)
            #expect(try await outcome(method, header: token) == nil)
            #expect(try await outcome(method, form: token) == nil)
            for wrong in [
                other, "", String(token.dropLast()), token + "A", token.lowercased(), String(token.reversed()),
            ] {
                #expect(try await outcome(method, header: wrong) == .forbidden)
                #expect(try await outcome(method, form: wrong) == .forbidden)
            }
        }
        #expect(try await outcome(.post, header: token, Browser()) == .forbidden)

        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await outcome(.post, header: token) == .forbidden)
        let fresh = try await browser.visit(config) { try await csrfToken($0) }
        #expect(try await outcome(.post, header: fresh) == nil)
        try await browser.copy().visit(config) { try await destroySession($0) }
        #expect(try await outcome(.post, header: fresh) == .forbidden)
    }

    @Test("R28 R36 a token is good for its cookie's name alone, and survives a rotation of secrets")
    func csrfBinding() async throws {
        let world = try World()
        let generator = Counter(0)
        func config(_ name: String, _ secret: [String]) throws -> SessionConfig<Visits> {
            try SessionConfig(store: world.storage, secret: secret, name: name, generator: generator) { Visits() }
        }
        let one = try await Browser().visit(try config("one", [World.secret])) { try await csrfToken($0) }
        let browser = Browser()
        let two = try await browser.visit(try config("two", [World.secret])) { try await csrfToken($0) }
        #expect(one != two)
        let rotated = try config("two", ["another secret of at least 32 bytes", World.secret])
        #expect(
            try await browser.visit(rotated, .post, try self.fields(two)) { event in
                try await code { try await verifyCSRF(event) }
            } == nil)
        let removed = try config("two", ["another secret of at least 32 bytes"])
        #expect(
            try await browser.visit(removed, .post, try self.fields(two)) { event in
                try await code { try await verifyCSRF(event) }
            } == .forbidden)
    }

    @Test("R37 a flash value is there for exactly one taker", arguments: Store.allCases)
    func flash(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) { try await setFlash($0, "notice", "saved") }
        try await browser.visit(config) { try await setFlash($0, "other: \n", Visits(count: 3)) }
        _ = world.counting.reset()
        #expect(try await browser.visit(config) { try await takeFlash($0, "missing", as: String.self) } == nil)
        #expect(world.counting.writes.isEmpty)
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == "saved")
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == nil)
        _ = try await browser.visit(config) { try await increment($0) }
        #expect(
            try await browser.visit(config) { try await takeFlash($0, "other: \n", as: Visits.self) }
                == Visits(count: 3))
        #expect(try await Browser().visit(config) { try await takeFlash($0, "notice", as: String.self) } == nil)
        #expect(try await world.keys().count == 1)
    }

    @Test("R37 of many requests that take a flash value at once one gets it", arguments: Store.allCases)
    func flashConcurrently(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) { try await setFlash($0, "notice", "saved") }
        let taken = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await browser.copy().visit(config) { event in
                        try await increment(event)
                        return try await takeFlash(event, "notice", as: String.self)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(taken.compactMap(\.self) == ["saved"])
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 20)
    }

    @Test("R31 R37 flash values count for the limit, and go along when the ID changes", arguments: Store.allCases)
    func flashLimits(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { options in
            options.maximumDataBytes = 200
            options.regenerationGrace = .seconds(10)
        }
        let browser = Browser()
        try await browser.visit(config) { try await setFlash($0, "notice", "saved") }
        let outcome = try await browser.visit(config) { event in
            try await code { try await setFlash(event, "big", String(repeating: "x", count: 150)) }
        }
        #expect(outcome == .tooLarge)
        let old = browser.copy()
        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await old.visit(config) { try await takeFlash($0, "notice", as: String.self) } == nil)
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == "saved")
    }

    @Test(
        "A41 in its grace an old ID reads what the session was, writes nothing, and dies with the new one",
        arguments: Store.allCases)
    func grace(store: Store) async throws {
        for end in ["time", "destroy", "revoke"] {
            let world = try World(store)
            let config = try world.config { $0.regenerationGrace = .seconds(10) }
            let browser = Browser()
            try await browser.visit(config) { event in
                try await authenticateSession(event, user: "ada")
                try await increment(event)
            }
            let old = browser.copy()
            func count(_ browser: Browser) async throws -> Int? {
                try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
            }
            try await browser.visit(config) { try await regenerateSession($0) }
            _ = try await browser.visit(config) { try await increment($0) }
            world.clock.advance(by: .milliseconds(9_999))
            #expect(try await count(old) == 1)
            #expect(try await count(browser) == 2)
            let kept = old.copy()
            for action in [
                { _ = try await increment($0) }, { try await regenerateSession($0) },
                { try await setFlash($0, "a", 1) },
            ] as [(SessionEvent) async throws -> Void] {
                #expect(try await old.visit(config) { event in try await code { try await action(event) } } == .gone)
            }
            #expect(old.cookies == kept.cookies)
            #expect(try await count(browser) == 2)
            #expect(try await listSessions(of: "ada", config).count == 1)
            switch end {
            case "time": world.clock.advance(by: .milliseconds(1))
            case "destroy": try await browser.visit(config) { try await destroySession($0) }
            default: try await revokeSessions(of: "ada", config)
            }
            #expect(try await count(kept) == nil, "\(end)")
        }
    }

    @Test("A41 logging out with the old ID ends the session that took its place", arguments: Store.allCases)
    func graceLogout(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.regenerationGrace = .seconds(10) }
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        let old = browser.copy()
        try await browser.visit(config) { try await regenerateSession($0) }
        try await browser.visit(config) { try await regenerateSession($0) }
        try await old.visit(config) { try await destroySession($0) }
        #expect(try await browser.visit(config) { try await sessionInfo($0) } == nil)
        #expect(try await listSessions(of: "ada", config).isEmpty)
    }

    @Test("A03 authenticating leaves no grace to the old ID", arguments: Store.allCases)
    func noGraceForLogin(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.regenerationGrace = .seconds(10) }
        let attacker = Browser()
        _ = try await attacker.visit(config) { try await increment($0) }
        let victim = attacker.copy()
        try await victim.visit(config) { try await authenticateSession($0, user: "ada") }
        #expect(try await attacker.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        try await attacker.visit(config) { try await destroySession($0) }
        #expect(try await victim.visit(config) { try await sessionInfo($0)?.user } == "ada")
    }

    @Test(
        "R38 A34 a token in a header field only where configured, and never against the cookie",
        arguments: Store.allCases)
    func tokenField(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.tokenField = "X-Session" }
        let name = try #require(HTTPField.Name("X-Session"))
        func first() async throws -> (token: String, event: SessionEvent) {
            let event = Browser().request(.get, [name: ""])
            try await useSession(event, config)
            try await increment(event)
            return (try #require(event.responseFields[name]), event)
        }
        let (token, event) = try await first()
        #expect(event.setCookies.isEmpty)
        #expect(event.responseFields[.cacheControl] == "no-store")
        #expect(event.responseFields[.vary] == "Cookie, X-Session")
        func count(
            _ field: String?, _ browser: Browser = Browser(), _ config: SessionConfig<Visits>
        ) async throws -> Int? {
            var fields = HTTPFields()
            fields[name] = field
            return try await browser.visit(config, .get, fields) { try await getSession($0, as: Visits.self)?.count }
        }
        #expect(try await count(token, Browser(), config) == 1)
        #expect(try await count(token, Browser(), try world.config()) == nil)
        let browser = Browser()
        for _ in 0..<2 { _ = try await browser.visit(config) { try await increment($0) } }
        #expect(try await count(nil, browser, config) == 2)
        #expect(try await count("", browser, config) == 2)
        #expect(try await count(token, browser.copy(), config) == nil)
        #expect(world.kinds.last == .rejected(.ambiguous))
        #expect(try await count("nonsense", browser.copy(), config) == nil)
        #expect(try await count(browser.cookies[config.cookieName], browser, config) == 2)
        #expect(try await count(token, Browser([config.cookieName: "planted"]), config) == 1)

        let post = Browser().request(.post, [name: token])
        try await useSession(post, config)
        try await verifyCSRF(post)
        try await regenerateSession(post)
        let renewed = try #require(post.responseFields[name])
        #expect(renewed != token)
        #expect(try await count(token, Browser(), config) == nil)
        let end = Browser().request(.delete, [name: renewed])
        try await useSession(end, config)
        try await destroySession(end)
        #expect(end.responseFields[name] == "")
        #expect(end.setCookies.isEmpty)
        #expect(try await count(renewed, Browser(), config) == nil)
    }

    @Test(
        "R29 pages that need no session can be let through while the storage fails; writing is not",
        arguments: Store.allCases)
    func lenientStorage(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.storageFailure = .noSession }
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let event = browser.request()
        try await useSession(event, config)
        world.faulty.fail(lasting: true)
        #expect(try await getSession(event, as: Visits.self) == nil)
        #expect(try await code { try await increment(event) } == .storage)
        #expect(event.setCookies.isEmpty)
        world.faulty.repair()
        #expect(try await increment(event) == 2)
    }
}
