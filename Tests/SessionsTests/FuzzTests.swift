import Foundation
import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

/// Random and nearly right bytes where clients' bytes go in. `SESSIONS_FUZZ_COUNT` sets how many.
@Suite("Fuzzing")
struct FuzzTests {
    private static let count = ProcessInfo.processInfo.environment["SESSIONS_FUZZ_COUNT"].flatMap { Int($0) } ?? 20_000

    /// Random numbers that are the same in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = self.state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static let pieces = [
        "=", ";", "; ", "\"", "s%3A", "s:", "%", "%3A", ".", " ", "\t", "__Host-sid", "__Host-sid=", "e1.", "e1.a.",
        "a", "AAAA",
    ]

    private func mutate(_ seed: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let at = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where at < bytes.count: bytes[at] = UInt8.random(in: .min ... .max, using: &generator)
            case 1 where at < bytes.count: bytes.remove(at: at)
            case 2: bytes.insert(contentsOf: (Self.pieces.randomElement(using: &generator) ?? "").utf8, at: at)
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 0...20, using: &generator)))
            default: bytes.insert(contentsOf: bytes[..<at], at: at)
            }
            if bytes.count > 9000 { bytes = Array(bytes.prefix(9000)) }
        }
        return bytes
    }

    /// Sends mutations of a good field; whatever is accepted has to hold the good value.
    private func fuzz(_ config: SessionConfig<Visits>, seed: UInt64) async throws -> Int {
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let good = Array("\(config.cookieName)=\(try #require(browser.cookies[config.cookieName]))".utf8)
        var generator = Generator(state: seed)
        var accepted = 0
        for _ in 0..<Self.count {
            let bytes = self.mutate(good, &generator)
            var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/")
            request.headerFields.append(HTTPField(name: .cookie, lenientValue: bytes))
            let event = SessionEvent(request: request)
            try await useSession(event, config)
            guard let value = try await getSession(event, as: Visits.self) else { continue }
            accepted += 1
            #expect(value == Visits(count: 1))
            #expect(bytes.count >= good.count - config.cookieName.utf8.count)
        }
        return accepted
    }

    @Test("any Cookie field is read without a trap, and only the very token is accepted")
    func cookies() async throws {
        let accepted = try await self.fuzz(try World().config(), seed: 1)
        #expect(accepted > 0)
        #expect(accepted < Self.count)
    }

    @Test("any sealed value is opened without a trap, and only the very one is accepted")
    func sealed() async throws {
        let key = try SealingKey(id: "a", bytes: Array(repeating: 7, count: 32))
        let accepted = try await self.fuzz(try SessionConfig(sealedWith: [key]) { Visits() }, seed: 2)
        #expect(accepted > 0)
        #expect(accepted < Self.count)
    }

    @Test("R30 any record is read without a trap", arguments: Store.allCases)
    func records(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.pinning = AddressPinning() }
        let browser = Browser()
        _ = try await browser.visit(config) { try await setFlash($0, "notice", 1) }
        let key = try #require(try await world.keys().first)
        let good = try #require(try await world.storage.getItemRaw(key))
        var generator = Generator(state: 3)
        for _ in 0..<Self.count {
            try await world.storage.setItemRaw(key, self.mutate(good, &generator))
            let event = browser.request()
            try await useSession(event, config)
            _ = try await getSession(event, as: Visits.self)
            _ = try await sessionInfo(event)
        }
    }

    @Test("R39 any address and any chain of proxies is read without a trap", arguments: Store.allCases)
    func addresses(store: Store) async throws {
        let world = try World(store)
        let proxies = try TrustedProxies(hops: 3, networks: ["10.0.0.0/8", "fd00::/8"])
        let config = try world.config {
            $0.pinning = AddressPinning()
            $0.proxies = proxies
        }
        let name = try #require(HTTPField.Name("X-Forwarded-For"))
        let seeds = [
            "192.0.2.1, 10.0.0.1", "[2001:db8::1]:443", "::ffff:192.0.2.1", "fe80::1%eth0", "1:2:3:4:5:6:7:8",
            "10.0.0.1:80",
        ]
        var generator = Generator(state: 4)
        for index in 0..<Self.count {
            let bytes = self.mutate(Array(seeds[index % seeds.count].utf8), &generator)
            var request = HTTPRequest(method: .get, scheme: "https", authority: "example.org", path: "/")
            request.headerFields.append(HTTPField(name: name, lenientValue: bytes))
            let event = SessionEvent(
                request: request,
                remoteAddress: index.isMultiple(of: 2) ? "10.0.0.9" : String(decoding: bytes, as: UTF8.self))
            try await useSession(event, config)
            _ = try await code { try await increment(event) }
        }
    }

    @Test("any signed value is taken apart without a trap")
    func unsigning() {
        let good = Array(signCookie("value.with.dots", secret: "x").utf8)
        var generator = Generator(state: 5)
        for _ in 0..<Self.count {
            let bytes = self.mutate(good, &generator)
            if let value = unsignCookie(String(decoding: bytes, as: UTF8.self), secrets: ["x"]) {
                #expect(value == "value.with.dots")
            }
        }
    }

    @Test("any body is answered without a trap and without writing what is not writable")
    func bodies() async throws {
        let config = try SessionConfig(store: Storage(), secret: World.secret) { EndpointTests.Profile() }
        let endpoints = SessionEndpoints(methods: [.patch, .post], writable: ["theme"], forgeryCheck: .none)
        let good = Array(#"{"theme":"dark","volume":[1,{"a":"b\n"}],"isAdmin":false}"#.utf8)
        var generator = Generator(state: 6)
        for index in 0..<Self.count / 5 {
            let event = Browser().request(index.isMultiple(of: 2) ? .patch : .post, [.contentType: "application/json"])
            try await useSession(event, config)
            let body = self.mutate(index.isMultiple(of: 3) ? Array(#"{"theme":"dark"}"#.utf8) : good, &generator)
            let response = try await sessionEndpoint(event, body: body, as: EndpointTests.Profile.self, endpoints)
            #expect(response.status == .ok || response.status == .badRequest)
            let value = try await getSession(event, as: EndpointTests.Profile.self)
            #expect(value?.isAdmin != true)
            #expect((value == nil) == (response.status != .ok))
        }
    }
}
