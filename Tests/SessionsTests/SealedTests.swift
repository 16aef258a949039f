import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Sealed sessions")
struct SealedTests {
    private static func key(_ id: String, _ byte: UInt8 = 7) throws -> SealingKey {
        try SealingKey(id: id, bytes: Array(repeating: byte, count: 32))
    }

    private func config(
        _ world: World,
        _ keys: [SealingKey]? = nil,
        name: String = "sid",
        revocations: Storage? = nil,
        idleTimeout: Duration? = nil
    ) throws -> SessionConfig<Visits> {
        var options = world.options
        options.maxAge = .seconds(600)
        options.idleTimeout = idleTimeout
        let place = SessionPlace.cookie(sealedWith: try keys ?? [Self.key("a")], revocations: revocations)
        return try SessionConfig(in: place, name: name, options: options) { Visits() }
    }

    private func count(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Int? {
        try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count }
    }

    @Test("all functions work without a storage")
    func functions() async throws {
        let world = try World()
        let config = try self.config(world)
        let browser = Browser()
        #expect(try await self.count(browser, config) == nil)
        #expect(browser.cookies.isEmpty)
        for expected in 1...3 { #expect(try await browser.visit(config) { try await increment($0) } == expected) }
        let quiet = browser.request()
        try await useSession(quiet, config)
        #expect(try await getSession(quiet, as: Visits.self)?.count == 3)
        #expect(quiet.setCookies.isEmpty)
        let token = try await browser.visit(config) { try await csrfToken($0) }
        for isStale in [false, true] {
            let refusal = try await browser.visit(config, .post) { event in
                try await code { try await verifyCSRF(event, token: token) }
            }
            #expect(refusal == (isStale ? .forbidden : nil))
            try await browser.visit(config) { try await regenerateSession($0) }
        }
        try await browser.visit(config) { try await setFlash($0, "notice", "saved") }
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == "saved")
        try await browser.visit(config) { try await authenticateSession($0, user: "ada", as: Visits.self) { $1 = $0 } }
        #expect(try await browser.visit(config) { try await sessionInfo($0)?.user } == "ada")
        #expect(try await self.count(browser, config) == 3)
        try await browser.visit(config) { try await destroySession($0) }
        #expect(browser.cookies.isEmpty)
    }

    @Test("the cookie shows nothing of the session")
    func opaque() async throws {
        let config = try self.config(try World())
        let browser = Browser()
        try await browser.visit(config) { try await updateSession($0, as: Visits.self) { $0.note = "visible?" } }
        let first = try #require(browser.cookies[config.cookieName])
        #expect(first.hasPrefix("e1.a."))
        try await browser.visit(config) { try await updateSession($0, as: Visits.self) { $0.note = "visible?" } }
        #expect(browser.cookies[config.cookieName] != first)
    }

    @Test("R08 R09 idle and absolute limits stand inside the seal")
    func limits() async throws {
        let world = try World()
        let config = try self.config(world, idleTimeout: .seconds(100))
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let first = browser.copy()
        for _ in 0..<6 {
            world.clock.advance(by: .seconds(99))
            #expect(try await self.count(browser, config) == 1)
        }
        #expect(try await self.count(first, config) == nil)
        world.clock.advance(by: .seconds(6))
        #expect(try await self.count(browser, config) == nil)
    }

    @Test("R22 a session that no cookie can hold is an error, and the old cookie stays")
    func tooLarge() async throws {
        let config = try self.config(try World())
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let event = browser.request()
        try await useSession(event, config)
        let outcome = try await code {
            try await updateSession(event, as: Visits.self) { $0.note = String(repeating: "x", count: 4000) }
        }
        #expect(outcome == .tooLarge)
        #expect(event.setCookies.isEmpty)
        #expect(try await getSession(event, as: Visits.self) == Visits(count: 1))
        try await updateSession(event, as: Visits.self) { $0.note = String(repeating: "x", count: 2700) }
        let cookie = try #require(event.setCookies.first).prefix { $0 != ";" }
        #expect(cookie.utf8.count <= 4097)
    }

    @Test("R22 a sealed cookie takes up to 4,096 bytes, and not one more")
    func largest() async throws {
        let world = try World()
        var largest = 0
        for name in ["sid", "side", "sided"] {
            let config = try self.config(world, name: name)
            let browser = Browser()
            let event = browser.request()
            try await useSession(event, config)
            var count = 2700
            var outcome: SessionError.Code?
            while outcome == nil {
                count += 1
                outcome = try await code { [count] in
                    try await updateSession(event, as: Visits.self) { $0.note = String(repeating: "x", count: count) }
                }
            }
            #expect(outcome == .tooLarge)
            browser.receive(event)
            let value = try #require(browser.cookies[config.cookieName])
            // Three bytes more make four characters more.
            #expect((4093...4096).contains(config.cookieName.utf8.count + value.utf8.count))
            largest = max(largest, config.cookieName.utf8.count + value.utf8.count)
            let read = try await browser.visit(config) { try await getSession($0, as: Visits.self)?.note.count }
            #expect(read == count - 1)
        }
        #expect(largest == 4096)
    }

    @Test("A10 A23 no flipped bit, cut or swapped part is accepted")
    func tampering() async throws {
        let config = try self.config(try World())
        let browser = Browser()
        let other = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        _ = try await other.visit(config) { try await increment($0) }
        let value = Array(try #require(browser.cookies[config.cookieName]).utf8)
        let second = Array(try #require(other.cookies[config.cookieName]).utf8)
        func accepts(_ value: [UInt8]) async throws -> Bool {
            var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/")
            request.headerFields.append(
                HTTPField(name: .cookie, lenientValue: Array("\(config.cookieName)=".utf8) + value))
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            return try await getSession(event, as: Visits.self) != nil
        }
        #expect(try await accepts(value))
        for index in value.indices {
            for bit in 0..<8 {
                var flipped = value
                flipped[index] ^= 1 << bit
                #expect(try await !accepts(flipped), "byte \(index), bit \(bit)")
            }
        }
        for count in value.indices { #expect(try await !accepts(Array(value[..<count]))) }
        let start = 5
        for cut in stride(from: start, to: value.count, by: 9) {
            #expect(try await !accepts(Array(value[..<cut]) + second[cut...]) || value[..<cut] == second[..<cut])
        }
        #expect(try await !accepts(Array(value[..<start]) + value[start...].reversed()))
        for text in [
            "e1.", "e1.a.", "e1..", "e1.a", "e2.a.AAAA", "e1.a." + String(repeating: "A", count: 100_000),
            "e1." + String(repeating: ".", count: 4000),
        ] {
            #expect(try await !accepts(Array(text.utf8)))
        }
    }

    @Test("R28 A21 a sealed value is good for its cookie's name and its kind alone", arguments: Store.allCases)
    func confusion(store: Store) async throws {
        let world = try World(store)
        let one = try self.config(world, name: "one")
        let two = try self.config(world, name: "two")
        let signed = try world.config(name: "one")
        let browser = Browser()
        _ = try await browser.visit(one) { try await increment($0) }
        let sealedValue = try #require(browser.cookies[one.cookieName])
        #expect(try await self.count(Browser([two.cookieName: sealedValue]), two) == nil)
        #expect(try await self.count(Browser([one.cookieName: sealedValue]), signed) == nil)
        let other = Browser()
        _ = try await other.visit(signed) { try await increment($0) }
        #expect(
            try await self.count(Browser([one.cookieName: try #require(other.cookies[one.cookieName])]), one) == nil)
    }

    @Test("R26 R27 keys rotate: an old one's cookie is sealed anew, a removed one's is refused")
    func rotation() async throws {
        let world = try World()
        let (old, new) = (try Self.key("old", 1), try Self.key("new", 2))
        let browser = Browser()
        _ = try await browser.visit(try self.config(world, [old])) { try await increment($0) }
        let before = browser.copy()
        #expect(try await self.count(browser, try self.config(world, [new, old])) == 1)
        #expect(browser.cookies != before.cookies)
        #expect(try await self.count(browser, try self.config(world, [new])) == 1)
        #expect(try await self.count(before, try self.config(world, [new])) == nil)
        #expect(try await self.count(before, try self.config(world, [try Self.key("old", 3)])) == nil)
    }

    @Test(
        "A24 a replayed cookie ends with the logout and with its user's revocation, where a storage keeps those",
        arguments: Store.allCases)
    func revocations(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world, revocations: world.storage)
        let browser = Browser()
        let other = Browser()
        for browser in [browser, other] {
            try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        }
        let thief = browser.copy()
        try await browser.visit(config) { try await destroySession($0) }
        #expect(try await self.count(thief, config) == nil)
        let second = Browser()
        try await second.visit(config) { try await authenticateSession($0, user: "ada") }
        // As the first session call of the request: the session is read before what it holds is refused.
        let event = other.request()
        try await useSession(event, config)
        try await revokeSessions(of: "ada", except: event, config)
        #expect(try await self.count(second, config) == nil)
        other.receive(event)
        #expect(try await self.count(thief, config) == nil)
        #expect(try await self.count(other, config) == 0)
        try await revokeSessions(of: "ada", config)
        #expect(try await self.count(other, config) == nil)
        try await other.visit(config) { try await authenticateSession($0, user: "ada") }
        #expect(try await self.count(other, config) == 0)
    }

    @Test("what sealed sessions can't do is an error")
    func unsupported() async throws {
        let world = try World()
        let config = try self.config(world)
        #expect(try await code { _ = try await listSessions(of: "ada", config) } == .notSupported)
        #expect(try await code { _ = try await revokeSessions(of: "ada", config) } == .notSupported)
        #expect(try await code { _ = try await revokeSession("x", of: "ada", config) } == .notSupported)
        let key = try Self.key("a")
        for keys in [[], [key, key]] { #expect(throws: SessionError.self) { try self.config(world, keys) } }
        var options = SessionOptions()
        options.regenerationGrace = .seconds(1)
        #expect(throws: SessionError.self) {
            try SessionConfig(in: .cookie(sealedWith: [key]), options: options) { Visits() }
        }
        for count in [0, 16, 31, 33, 64] {
            #expect(throws: SessionError.self) { try SealingKey(id: "a", bytes: Array(repeating: 1, count: count)) }
        }
        for id in ["", "a.b", "a b", "ä", String(repeating: "a", count: 17)] {
            #expect(throws: SessionError.self) { try SealingKey(id: id, bytes: Array(repeating: 1, count: 32)) }
        }
        var dumped = ""
        dump(key, to: &dumped)
        #expect(!"\(key)\(dumped)\(String(reflecting: key))".contains("7, 7"))
    }
}
