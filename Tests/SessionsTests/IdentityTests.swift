import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Whose session it is")
struct IdentityTests {
    @Test("R01 IDs are 65 characters of base64url, never repeat, and use all bytes evenly")
    func randomness() {
        var generator = SystemRandomNumberGenerator()
        var seen: Set<String> = []
        var histogram = [Int](repeating: 0, count: 256)
        for _ in 0..<100_000 {
            let id = SessionID(using: &generator).text
            if id.utf8.count != 65 || !seen.insert(id).inserted { Issue.record("\(seen.count) IDs, then \(id)") }
            for (index, byte) in id.utf8.enumerated() where index != 21 && index != 64 { histogram[Int(byte)] += 1 }
        }
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8.map { Int($0) })
        #expect(Set(histogram.indices.filter { histogram[$0] > 0 }) == alphabet)
        // The last characters of both parts hold fewer bits. The others of n IDs fall on 64 symbols; seven standard deviations either way never happen by chance.
        let mean = Double(seen.count * 63) / 64
        #expect(alphabet.allSatisfy { abs(Double(histogram[$0]) - mean) < 7 * mean.squareRoot() })
    }

    @Test("R01 every new session gets such an ID, from the system's source", arguments: Store.allCases)
    func freshIDs(store: Store) async throws {
        let config = try World(store).config()
        var seen: Set<String> = []
        for _ in 0..<1000 {
            let event = Browser().request()
            try await useSession(event, config)
            try await increment(event)
            let id = try #require(event.sessionID)
            #expect(id.utf8.count == 65)
            #expect(seen.insert(id).inserted)
        }
    }

    @Test("R01 a generator is used only where one is given")
    func generator() async throws {
        var options = SessionOptions()
        options.generator = Counter(0)
        let config = try SessionConfig(in: .storage(Storage(), secrets: [World.secret]), options: options) { Visits() }
        let event = Browser().request()
        try await useSession(event, config)
        try await increment(event)
        #expect(event.sessionID == "AAAAAAAAAAAAAAAAAAAAAQ" + "AAAAAAAAAAIAAAAAAAAAAwAAAAAAAAAEAAAAAAAAAAU")
    }

    @Test("R02 a taken ID is drawn again, and its record stays", arguments: Store.allCases)
    func collision(store: Store) async throws {
        let world = try World(store)
        func config(_ start: UInt64) throws -> SessionConfig<Visits> {
            var options = SessionOptions()
            options.generator = Counter(start)
            return try SessionConfig(in: world.place, options: options) { Visits() }
        }
        let first = Browser()
        let second = Browser()
        _ = try await first.visit(try config(0)) { try await increment($0) }
        _ = try await second.visit(try config(0)) { event in
            try await increment(event)
            try await increment(event)
        }
        #expect(first.cookies != second.cookies)
        #expect(try await first.visit(try config(0)) { try await getSession($0, as: Visits.self)?.count } == 1)
        #expect(try await second.visit(try config(0)) { try await getSession($0, as: Visits.self)?.count } == 2)
    }

    @Test("R03 A01 A02 an ID of the client's is never adopted", arguments: Store.allCases)
    func adoption(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let unknown = String(repeating: "A", count: 43)
        let offers = [
            "attacker", unknown, "s:\(unknown).\(unknown)", signCookie(unknown, secret: World.secret),
            signCookie("attacker", secret: World.secret),
        ]
        for offer in offers {
            let event = Browser([config.cookieName: offer]).request()
            try await useSession(event, config)
            #expect(try await getSession(event, as: Visits.self) == nil)
            #expect(event.setCookies.isEmpty)
            #expect(try await world.keys().isEmpty)
            try await increment(event)
            let id = try #require(event.sessionID)
            #expect(!offer.contains(id))
            try await destroySession(event)
        }
    }

    @Test("R04 A14 A17 what is no ID costs no storage call", arguments: Store.allCases)
    func syntax(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let id = String(repeating: "A", count: 43)
        let signed = signCookie(id, secret: World.secret)
        let signature = signed.split(separator: ".").last.map(String.init) ?? ""
        var offers = [
            id, "s:\(id)", "s:.\(signature)", "s:\(id).", "", ".", "..", "s:", "s%3A", "%", "s:\(id).\(signature)A",
            "s%3a\(id).\(signature)", "S:\(id).\(signature)", "s:\(id)\(signature)", "s: \(id).\(signature)",
        ]
        for value in [
            "id/..", "a:b", "a\\b", "a?x", "%2e%2e", ":\(id)", "\(id):", String(id.dropLast()) + "B", id + "A",
        ] {
            offers.append(signCookie(value, secret: World.secret))
        }
        for offer in offers {
            let client = Browser([config.cookieName: offer])
            #expect(try await client.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        }
        #expect(world.counting.calls.isEmpty)
        #expect(world.kinds.allSatisfy { $0 == .rejected(.malformed) })
        #expect(world.kinds.count == offers.count)
    }

    @Test("R05 A10 a cookie with any bit flipped is refused before storage is asked", arguments: Store.allCases)
    func flippedBits(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        _ = world.counting.reset()
        let cookie = Array(try #require(browser.cookies[config.cookieName]).utf8)
        for index in cookie.indices {
            for bit in 0..<8 {
                var flipped = cookie
                flipped[index] ^= 1 << bit
                var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/")
                let value = Array("\(config.cookieName)=".utf8) + flipped
                request.headerFields.append(HTTPField(name: .cookie, lenientValue: value))
                let event = SessionEvent(request: request)
                try await useSession(event, config)
                #expect(try await getSession(event, as: Visits.self) == nil, "byte \(index), bit \(bit)")
            }
        }
        #expect(world.counting.calls.isEmpty)
    }

    @Test("R06 A20 every wrong byte of a signature is refused, by the one comparison of swift-crypto")
    func comparisonIsSwiftCryptos() {
        // The time itself is not measured: the comparison is HashedAuthenticationCode's. What can be seen is that every
        // wrong byte is refused, by the same path.
        let signed = Array(signCookie("x", secret: "y"))
        for index in signed.count - 43..<signed.count {
            var other = signed
            other[index] = other[index] == "Q" ? "g" : "Q"
            #expect(unsignCookie(String(other), secrets: ["y"]) == nil)
        }
    }

    @Test("R07 the ID is in no key, value, activity, error or description", arguments: Store.allCases)
    func secrecy(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60))
        let browser = Browser()
        var texts: [String] = []
        let event = browser.request()
        try await useSession(event, config)
        try await increment(event)
        let id = try #require(event.sessionID)
        try await updateSession(event, as: Visits.self) { $0.note = "x" }
        for key in try await world.keys() {
            texts.append(key)
            texts.append(String(decoding: try await world.storage.getItemRaw(key) ?? [], as: UTF8.self))
        }
        world.faulty.fail()
        do { try await destroySession(event) } catch { texts += ["\(error)", String(reflecting: error)] }
        texts += world.activities.map { "\($0) \($0.metadata)" }
        for subject in [event, config, world.activities] as [Any] {
            var dumped = ""
            dump(subject, to: &dumped)
            texts += [dumped, "\(subject)", String(reflecting: subject)]
        }
        #expect(texts.count > 10)
        #expect(texts.allSatisfy { !$0.contains(id) && !$0.contains(World.secret) })
    }

    @Test("A05 names differing in case are other cookies", arguments: Store.allCases)
    func nameCase(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let value = try #require(browser.cookies["__Host-sid"])
        for name in ["__host-sid", "__HOST-sid", "__Host-SID", "sid", "__Host-sid2", "x__Host-sid"] {
            #expect(try await Browser([name: value]).visit(config) { try await getSession($0, as: Visits.self) } == nil)
        }
    }

    @Test("A07 an ID anywhere but in the cookie is ignored", arguments: Store.allCases)
    func otherPlaces(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let value = try #require(browser.cookies[config.cookieName])
        var request = HTTPRequest(
            method: .post, scheme: "https", authority: "example.org", path: "/?\(config.cookieName)=\(value)")
        request.headerFields[.authorization] = "Bearer \(value)"
        request.headerFields[try #require(HTTPField.Name("X-Session"))] = value
        let event = SessionEvent(request: request)
        try await useSession(event, config)
        #expect(try await getSession(event, as: Visits.self) == nil)
    }

    @Test("R28 a cookie moved to another name finds nothing", arguments: Store.allCases)
    func otherName(store: Store) async throws {
        let world = try World(store)
        let one = try world.config(name: "one")
        let two = try world.config(name: "two")
        let browser = Browser()
        _ = try await browser.visit(one) { try await increment($0) }
        let value = try #require(browser.cookies[one.cookieName])
        #expect(
            try await Browser([two.cookieName: value]).visit(two) { try await getSession($0, as: Visits.self) } == nil)
    }
}

/// Counts up: predictable, for tests only.
struct Counter: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(_ start: UInt64) {
        self.state = start
    }

    mutating func next() -> UInt64 {
        defer { self.state += 1 }
        return self.state.bigEndian
    }
}

extension SessionEvent {
    /// The ID that the response sets.
    var sessionID: String? {
        guard let cookie = self.setCookies.first?.utf8, let escape = cookie.firstIndex(of: UInt8(ascii: "%")) else {
            return nil
        }
        return String(cookie[escape...].dropFirst(3).prefix { $0 != UInt8(ascii: ".") })
    }
}
