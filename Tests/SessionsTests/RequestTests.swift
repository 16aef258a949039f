import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Requests and responses")
struct RequestTests {
    @Test(
        "R41 a request that does not touch its session makes no storage call, with or without a cookie",
        arguments: Store.allCases)
    func lazy(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        _ = world.counting.reset()
        world.clock.advance(by: .seconds(30))
        let event = browser.request()
        try await useSession(event, config)
        #expect(event.responseFields.isEmpty)
        _ = try await Browser().visit(config) { _ in }
        #expect(world.counting.calls.isEmpty)
    }

    @Test(
        "R41 A54 100,000 requests without cookies, or with made-up ones, that write nothing leave storage empty",
        arguments: Store.allCases)
    func flood(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        for index in 0..<100_000 {
            var request = HTTPRequest(method: .get, scheme: "https", authority: "a", path: "/")
            if index.isMultiple(of: 3) { request.headerFields[.cookie] = "\(config.cookieName)=bogus" }
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            if index.isMultiple(of: 2) { _ = try await getSession(event, as: Visits.self) }
        }
        #expect(world.counting.calls.isEmpty)
        #expect(try await world.keys().isEmpty)
    }

    @Test("eager creation makes the session with the first request, and keeps to it", arguments: Store.allCases)
    func eager(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(creation: .eager)
        let browser = Browser()
        for _ in 0..<3 {
            #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self) } == Visits())
        }
        #expect(try await world.keys().count == 1)
        let event = Browser().request()
        try await useSession(event, config)
        try await useSession(event, config)
        #expect(try await world.keys().count == 2)
    }

    @Test(
        "R20 at most one Set-Cookie of each name, whatever happens in a request; the application's stay",
        arguments: Store.allCases)
    func oneSetCookie(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let event = Browser().request()
        event.responseFields.append(HTTPField(name: .setCookie, value: "theme=dark; Path=/"))
        try await useSession(event, config)
        try await increment(event)
        try await regenerateSession(event)
        try await increment(event)
        try await regenerateSession(event)
        #expect(event.setCookies.count == 2)
        #expect(event.setCookies.first == "theme=dark; Path=/")
        let browser = Browser()
        browser.receive(event)
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 2)
    }

    @Test(
        "R20 R23 putting the fields into a response replaces the same cookie and merges the rest",
        arguments: Store.allCases)
    func apply(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let event = Browser().request()
        try await useSession(event, config)
        _ = try await getSession(event, as: Visits.self)
        try await increment(event)
        var fields: HTTPFields = [.cacheControl: "public, max-age=60", .vary: "Accept", .contentType: "text/plain"]
        fields.append(HTTPField(name: .setCookie, value: "theme=dark"))
        fields.append(HTTPField(name: .setCookie, value: "\(config.cookieName)=old"))
        fields.append(HTTPField(name: .setCookie, value: "\(config.cookieName)2=other"))
        event.apply(to: &fields)
        #expect(fields[values: .setCookie].count == 3)
        #expect(fields[values: .setCookie].prefix(2) == ["theme=dark", "\(config.cookieName)2=other"])
        #expect(fields[.cacheControl] == "public, max-age=60, no-cache=\"Set-Cookie\"")
        #expect(fields[.vary] == "Accept, Cookie")
        #expect(fields[.contentType] == "text/plain")
        event.apply(to: &fields)
        #expect(fields[values: .setCookie].count == 3)
        #expect(fields[.cacheControl] == "public, max-age=60, no-cache=\"Set-Cookie\"")
        #expect(fields[.vary] == "Accept, Cookie")
    }

    @Test(
        "R23 a response that sets the cookie is not stored, one that read the session varies by Cookie",
        arguments: Store.allCases)
    func caching(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        let first = browser.request()
        try await useSession(first, config)
        try await increment(first)
        browser.receive(first)
        #expect(first.responseFields[.cacheControl] == "no-store")
        #expect(first.responseFields[.vary] == "Cookie")
        let second = browser.request()
        second.responseFields[.vary] = "Accept, cookie"
        try await useSession(second, config)
        _ = try await getSession(second, as: Visits.self)
        #expect(second.responseFields[.cacheControl] == nil)
        #expect(second.responseFields[.vary] == "Accept, cookie")
        try await destroySession(second)
        #expect(second.responseFields[.cacheControl] == "no-store")
        for present in ["no-store", "max-age=1, NO-STORE"] {
            let event = Browser().request()
            event.responseFields[.cacheControl] = present
            try await useSession(event, config)
            try await increment(event)
            #expect(event.responseFields[.cacheControl] == present)
        }
    }

    @Test(
        "R24 what a handler wrote is stored and its cookie set before it returns, also if it then throws",
        arguments: Store.allCases)
    func throwingHandler(store: Store) async throws {
        struct Refusal: Error {}
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        await #expect(throws: Refusal.self) {
            try await browser.visit(config) { event in
                try await increment(event)
                throw Refusal()
            }
        }
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 1)
    }

    @Test(
        "R25 A04 A30 A31 A33 duplicates: the only signed one counts, two different ones count for nothing",
        arguments: Store.allCases)
    func duplicates(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let name = config.cookieName
        var cookies: [String] = []
        for _ in 0..<2 {
            let browser = Browser()
            _ = try await browser.visit(config) { try await increment($0) }
            cookies.append(try #require(browser.cookies[name]))
        }
        let (mine, other) = (cookies[0], cookies[1])
        func count(_ fields: [String]) async throws -> Int? {
            var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/")
            for field in fields { request.headerFields.append(HTTPField(name: .cookie, value: field)) }
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            return try await getSession(event, as: Visits.self)?.count
        }
        let forged = String(mine.dropLast()) + (mine.hasSuffix("A") ? "B" : "A")
        let accepted = [
            ["\(name)=\(mine)"], ["a=b", "\(name)=\(mine)"], ["\(name)=x; \(name)=\(mine)"],
            ["\(name)=\(mine); \(name)=x"],
            ["\(name)=\(forged)", "\(name)=\(mine)"], ["\(name)=\(mine)", "\(name)=\(mine)"],
            Array(repeating: "\(name)=x", count: 20) + ["\(name)=\(mine)"],
            ["a=b;\(name)=\(mine);c=d"], [";;; \t\(name)=\(mine)\t ;"],
        ]
        for fields in accepted { #expect(try await count(fields) == 1, "\(fields)") }
        #expect(!world.kinds.contains(.rejected(.ambiguous)))
        let refused = [
            ["\(name)=\(mine); \(name)=\(other)"], ["\(name)=\(other)", "\(name)=\(mine)"],
            ["\(name)=\(mine)"] + Array(repeating: "\(name)=x", count: 20) + ["\(name)=\(other)"],
        ]
        for fields in refused {
            #expect(try await count(fields) == nil, "\(fields)")
            #expect(world.kinds.last == .rejected(.ambiguous))
        }
        for fields in [
            ["\(name)=\"\(mine)\""], ["\(name) = \(mine)"], ["\(name) =\(mine)"], ["\(name)= \(mine)"],
            ["\(name)=\"\(mine)"], ["\(name)"], ["\(name);=\(mine)"], ["\(name)=\(mine)x"], ["=\(mine)"],
            ["\(name)==\(mine)"],
        ] {
            #expect(try await count(fields) == nil, "\(fields)")
        }
    }

    @Test("A32 huge Cookie fields are read in linear time", arguments: Store.allCases)
    func hugeFields(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let pair = "\(config.cookieName)=\(try #require(browser.cookies[config.cookieName]))"
        let fillers = [
            String(repeating: ";", count: 10_000), String(repeating: "x", count: 65_536),
            (0..<1000).map { "c\($0)=\($0)" }.joined(separator: "; "),
            String(repeating: "\(config.cookieName)", count: 5000),
            String(repeating: " ", count: 65_536), String(repeating: "=", count: 65_536),
        ]
        let clock = ContinuousClock()
        for filler in fillers {
            var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/")
            request.headerFields.append(HTTPField(name: .cookie, value: "\(filler); \(pair); \(filler)"))
            request.headerFields.append(HTTPField(name: .cookie, value: filler))
            let event = SessionEvent(request: request)
            let time = try await clock.measure { try await useSession(event, config) }
            #expect(time < .milliseconds(250))
            #expect(try await getSession(event, as: Visits.self)?.count == 1)
        }
    }

    @Test("several sessions live on one event by name, each with its type")
    func severalSessions() async throws {
        struct Cart: Codable, Sendable { var items: [String] = [] }
        let world = try World()
        let visits = try world.config()
        let carts = try SessionConfig(in: world.place, name: "cart") { Cart() }
        let browser = Browser()
        let event = browser.request()
        try await useSession(event, visits)
        try await useSession(event, carts)
        try await increment(event)
        try await updateSession(event, as: Cart.self, name: "cart") { $0.items.append("tea") }
        #expect(event.setCookies.count == 2)
        browser.receive(event)
        let next = browser.request()
        try await useSession(next, carts)
        try await useSession(next, visits)
        #expect(try await getSession(next, as: Cart.self)?.items == ["tea"])
        #expect(try await getSession(next, as: Visits.self, name: "sid")?.count == 1)
        try await destroySession(next, name: "cart")
        #expect(try await getSession(next, as: Visits.self, name: "sid")?.count == 1)
        #expect(try await world.keys().count == 1)
        #expect(try await code { _ = try await getSession(next, as: Visits.self) } == .typeMismatch)
        #expect(try await code { try await updateSession(next, as: Cart.self, name: "sid") { _ in } } == .typeMismatch)
    }

    @Test("without useSession, or with a name that was not set up, every function says what is missing")
    func notStarted() async throws {
        let world = try World()
        for name in [nil, "nope"] {
            let event = Browser().request()
            if name != nil { try await useSession(event, try world.config()) }
            let calls: [(SessionEvent) async throws -> Void] = [
                { _ = try await getSession($0, as: Visits.self, name: name) },
                { _ = try await refetchSession($0, as: Visits.self, name: name) },
                { try await updateSession($0, as: Visits.self, name: name) { $0.count += 1 } },
                { try await regenerateSession($0, name: name) }, { try await destroySession($0, name: name) },
                { try await authenticateSession($0, user: "ada", name: name) },
                { try await requireAuthentication($0, within: .seconds(1), name: name) },
                { _ = try await sessionInfo($0, name: name) }, { try await setFlash($0, "a", 1, name: name) },
                { _ = try await takeFlash($0, "a", as: Int.self, name: name) },
                { _ = try await csrfToken($0, name: name) }, { try await verifyCSRF($0, name: name) },
                { _ = try isSameOrigin($0, name: name) }, { _ = try await sessionEnd($0, name: name) },
                { try await withSession($0, name: name) {} }, { _ = try await touchSession($0, name: name) },
            ]
            for (index, call) in calls.enumerated() {
                #expect(try await code { try await call(event) } == .notStarted, "call \(index)")
            }
            #expect(event.responseFields.isEmpty)
        }
        #expect(world.counting.calls.isEmpty)
    }

    @Test("R35 each kind of thing that happens is reported once", arguments: Store.allCases)
    func everyActivity(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60)) { $0.pinning = AddressPinning() }
        let browser = Browser()
        let name = config.cookieName
        func visit(_ browser: Browser, address: String = "192.0.2.1") async throws {
            _ = try await browser.visit(config, address: address) { try await getSession($0, as: Visits.self) }
        }
        _ = try await browser.visit(config) { try await increment($0) }
        let planted = browser.copy()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        try await visit(browser, address: "198.51.100.7")
        try await visit(Browser([name: "x"]))
        try await visit(Browser([name: "s:\(String(repeating: "A", count: 43)).\(String(repeating: "A", count: 43))"]))
        try await visit(planted)
        try await revokeSessions(of: "ada", config)
        try await visit(browser)
        #expect(
            world.kinds == [
                .created, .loaded, .authenticated, .rejected(.address), .rejected(.malformed), .rejected(.forged),
                .rejected(.unknown), .revoked, .rejected(.unknown),
            ])
        #expect(world.activities.allSatisfy { $0.session == "sid" && $0.metadata["session"] == "sid" })
        let names = Set(world.activities.map(\.name))
        #expect(
            names == [
                "session.created", "session.loaded", "session.authenticated", "session.rejected", "session.revoked",
            ])
    }

    @Test(
        "R35 what happens is reported, with a tag that follows one session and is not its ID", arguments: Store.allCases
    )
    func activities(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let thief = browser.copy()
        _ = try await browser.visit(config) { try await regenerateSession($0) }
        _ = try await browser.visit(config) { try await getSession($0, as: Visits.self) }
        _ = try await thief.visit(config) { try await getSession($0, as: Visits.self) }
        _ = try await browser.visit(config) { try await destroySession($0) }
        #expect(world.kinds == [.created, .loaded, .regenerated, .loaded, .rejected(.replayed), .destroyed])
        let tags = world.activities.map(\.tag)
        #expect(tags[0] == tags[1])
        #expect(tags[0] == tags[4])
        #expect(tags[2] == tags[5])
        #expect(tags[0] != tags[2])
        #expect(world.activities.map(\.name).first == "session.created")
        #expect(world.activities[4].metadata["reason"] == "replayed")
        #expect(Set(world.activities.map(\.handle)).count == 1)
        #expect(world.activities[0].handle != nil)
    }
}
