import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Addresses and proxies")
struct AddressTests {
    private let forwardedFor = HTTPField.Name("X-Forwarded-For")
    private let forwardedProto = HTTPField.Name("X-Forwarded-Proto")

    private func config(
        _ world: World,
        _ pinning: AddressPinning = AddressPinning(),
        _ proxies: TrustedProxies = .none
    ) throws -> SessionConfig<Visits> {
        try world.config {
            $0.pinning = pinning
            $0.proxies = proxies
        }
    }

    private func count(
        _ browser: Browser, _ config: SessionConfig<Visits>, _ address: String?, _ forwarded: String? = nil
    ) async throws -> Int? {
        var fields = HTTPFields()
        if let forwarded, let name = self.forwardedFor { fields[name] = forwarded }
        return try await browser.visit(config, .get, fields, address: address) {
            try await getSession($0, as: Visits.self)?.count
        }
    }

    @Test("R39 a session answers only to the address prefix that it was made from", arguments: Store.allCases)
    func prefixes(store: Store) async throws {
        let table: [(made: String, used: String, works: Bool)] = [
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1:5000", "192.0.2.1:6000", true),
            ("2001:db8:1:2:3::4", "2001:db8:1:2:ffff::1", true), ("2001:db8:1:2::4", "2001:db8:1:3::4", false),
            ("2001:db8:1:2::4", "[2001:DB8:1:2::9]:443", true), ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.2", false), ("192.0.2.1", "::ffff:c000:201", true),
            ("fe80::1%eth0", "fe80::2%eth1", true), ("192.0.2.1", "2001:db8::1", false),
        ]
        for (made, used, works) in table {
            let world = try World(store)
            let config = try self.config(world)
            let browser = Browser()
            _ = try await browser.visit(config, address: made) { try await increment($0) }
            #expect(try await self.count(browser, config, used) == (works ? 1 : nil), "\(made) \(used)")
        }
    }

    @Test(
        "R39 a mismatch neither destroys the record nor changes the rightful client's session",
        arguments: Store.allCases)
    func mismatch(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let thief = browser.copy()
        #expect(try await self.count(thief, config, "198.51.100.7") == nil)
        #expect(world.kinds.last == .rejected(.address))
        #expect(try await self.count(browser, config, "192.0.2.1") == 1)
        #expect(try await self.count(browser.copy(), config, nil) == nil)
        #expect(try await self.count(browser.copy(), config, "nonsense") == nil)
        // A logout is one wherever it comes from: the client's network may be another one by now.
        _ = try await thief.visit(config, address: "198.51.100.7") { try await destroySession($0) }
        #expect(try await self.count(browser, config, "192.0.2.1") == nil)
        #expect(try await world.keys().isEmpty)
    }

    @Test("R39 the three policies: report only, ask to log in again, no session", arguments: Store.allCases)
    func policies(store: Store) async throws {
        for policy in [AddressPinning.Mismatch.log, .reauthenticate, .reject] {
            let world = try World(store)
            let config = try self.config(world, AddressPinning(onMismatch: policy))
            let browser = Browser()
            _ = try await browser.visit(config) { event in
                try await authenticateSession(event, user: "ada")
                try await increment(event)
            }
            let before = browser.copy()
            let event = browser.request(address: "198.51.100.7")
            try await useSession(event, config)
            switch policy {
            case .log: #expect(try await getSession(event, as: Visits.self)?.count == 1)
            case .reject: #expect(try await getSession(event, as: Visits.self) == nil)
            case .reauthenticate:
                #expect(
                    try await code { _ = try await getSession(event, as: Visits.self) } == .reauthenticationRequired)
                #expect(try await code { try await increment(event) } == .reauthenticationRequired)
                #expect(try await code { try await regenerateSession(event) } == .reauthenticationRequired)
                try await authenticateSession(event, user: "ada")
                #expect(try await getSession(event, as: Visits.self)?.count == 1)
                browser.receive(event)
                #expect(try await self.count(browser, config, "198.51.100.7") == 1)
                #expect(try await self.count(before, config, "192.0.2.1") == nil)
                let stranger = browser.request(address: "203.0.113.9")
                try await useSession(stranger, config)
                try await authenticateSession(stranger, user: "eve")
                #expect(try await getSession(stranger, as: Visits.self)?.count == 0)
                #expect(try await self.count(browser, config, "198.51.100.7") == 1)
            }
            #expect(world.kinds.contains(.rejected(.address)))
        }
    }

    @Test("R39 the record holds no address, and pinning without an address is an error", arguments: Store.allCases)
    func hashed(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        _ = try await Browser().visit(config) { try await increment($0) }
        let key = try #require(try await world.keys().first)
        let record = try #require(try await world.storage.getItemRaw(key))
        #expect(!String(decoding: record, as: UTF8.self).contains("192.0.2"))
        let event = Browser().request(address: nil)
        try await useSession(event, config)
        #expect(try await code { try await increment(event) } == .noAddress)
        #expect(try await world.keys().count == 1)
        let rotated = try world.config(secret: ["another secret of at least 32 bytes", World.secret]) {
            $0.pinning = AddressPinning()
        }
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        #expect(try await self.count(browser, rotated, "192.0.2.1") == 1)
    }

    @Test("R39 the chain of proxies is read from the right and no further than trusted", arguments: Store.allCases)
    func proxies(store: Store) async throws {
        let world = try World(store)
        let one = try self.config(world, AddressPinning(), try TrustedProxies(networks: ["10.0.0.0/8", "fd00::/8"]))
        let two = try self.config(world, AddressPinning(), try TrustedProxies(hops: 2, networks: ["10.0.0.0/8"]))
        let any = try self.config(world, AddressPinning(), try TrustedProxies(networks: []))
        let name = try #require(self.forwardedFor)
        func made(_ config: SessionConfig<Visits>, _ address: String, _ forwarded: String) async throws -> Browser {
            let browser = Browser()
            _ = try await browser.visit(config, .get, [name: forwarded], address: address) { try await increment($0) }
            return browser
        }
        let client = try await made(one, "10.0.0.1", "192.0.2.1")
        // What the client itself put in front is not reached.
        #expect(try await self.count(client, one, "10.0.0.2", "6.6.6.6, 192.0.2.1") == 1)
        #expect(try await self.count(client.copy(), one, "10.0.0.2", "192.0.2.1, 6.6.6.6") == nil)
        // A stranger who claims to be a proxy is not believed, with or without the field.
        #expect(try await self.count(client.copy(), one, "203.0.113.5", "192.0.2.1") == nil)
        #expect(try await self.count(client.copy(), one, "10.0.0.1") == nil)
        #expect(try await self.count(client, one, "192.0.2.1", "6.6.6.6") == 1)
        #expect(try await self.count(client, one, "fd00::1", "192.0.2.1") == 1)
        #expect(try await self.count(client.copy(), one, "10.0.0.1", "192.0.2.1, unknown") == nil)

        let far = try await made(two, "10.0.0.1", "192.0.2.1, 10.0.0.9")
        #expect(try await self.count(far, two, "10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.8") == 1)
        #expect(try await self.count(far.copy(), two, "10.0.0.1", "192.0.2.1, 6.6.6.6, 10.0.0.8") == nil)
        // The second is no proxy of ours: what it says of others is not believed.
        #expect(try await self.count(far.copy(), two, "10.0.0.1", "192.0.2.1, 203.0.113.5") == nil)

        let open = try await made(any, "203.0.113.5", "192.0.2.1")
        #expect(try await self.count(open, any, "198.51.100.7", "192.0.2.1") == 1)
    }

    @Test("R19 Secure follows a trusted proxy's word, and nobody else's", arguments: Store.allCases)
    func forwardedScheme(store: Store) async throws {
        let world = try World(store)
        let proxies = try TrustedProxies(networks: ["10.0.0.0/8"])
        let name = try #require(self.forwardedProto)
        let table: [(address: String, isSecure: Bool, says: String?, result: Bool)] = [
            ("10.0.0.1", false, "https", true), ("10.0.0.1", false, "http", false), ("10.0.0.1", true, "http", false),
            ("10.0.0.1", false, nil, false), ("10.0.0.1", true, nil, true), ("10.0.0.1", false, "https, http", false),
            ("10.0.0.1", false, "http, HTTPS", true), ("203.0.113.5", false, "https", false),
            ("203.0.113.5", true, "http", true),
        ]
        for (address, isSecure, says, result) in table {
            for (secure, expected) in [(CookieAttributes.Secure.automatic, result), (.always, true), (.never, false)] {
                let config = try world.config(cookie: CookieAttributes(secure: secure)) { $0.proxies = proxies }
                var fields = HTTPFields()
                fields[name] = says
                let event = Browser().request(.get, fields, address: address, isSecure: isSecure)
                try await useSession(event, config)
                try await increment(event)
                #expect(
                    event.setCookies.first?.contains("; Secure") == expected,
                    "\(address) \(isSecure) \(says ?? "-") \(secure)")
            }
        }
        let untrusting = try world.config(cookie: CookieAttributes(secure: .automatic))
        let event = Browser().request(.get, [name: "https"], address: "10.0.0.1", isSecure: false)
        try await useSession(event, untrusting)
        try await increment(event)
        #expect(event.setCookies.first?.contains("; Secure") == false)
    }

    @Test("R19 R39 a proxy on a Unix socket has no address, and is trusted where that is said")
    func unixSockets() async throws {
        let world = try World()
        let name = try #require(self.forwardedFor)
        let proto = try #require(self.forwardedProto)
        let socket = try TrustedProxies(networks: [], trustsUnixSockets: true)
        let both = try TrustedProxies(networks: ["10.0.0.0/8"], trustsUnixSockets: true)
        let neither = try TrustedProxies(networks: ["10.0.0.0/8"])
        for (proxies, address, isTrusted) in [
            (socket, nil, true), (socket, "10.0.0.1", false), (socket, "203.0.113.5", false), (both, nil, true),
            (both, "10.0.0.1", true), (both, "203.0.113.5", false), (neither, nil, false), (neither, "10.0.0.1", true),
        ] as [(TrustedProxies, String?, Bool)] {
            let config = try world.config(cookie: CookieAttributes(secure: .automatic)) {
                $0.pinning = AddressPinning()
                $0.proxies = proxies
            }
            let event = Browser().request(
                .get, [name: "192.0.2.1", proto: "https"], address: address, isSecure: false)
            try await useSession(event, config)
            guard isTrusted || address != nil else {
                #expect(try await code { try await increment(event) } == .noAddress)
                continue
            }
            try await increment(event)
            #expect(event.setCookies.first?.contains("; Secure") == isTrusted)
            let browser = Browser()
            browser.receive(event)
            let unforwarded = try world.config(cookie: CookieAttributes(secure: .automatic)) {
                $0.pinning = AddressPinning()
            }
            let direct = try await self.count(browser, unforwarded, "192.0.2.1")
            #expect(direct == (isTrusted ? 1 : nil))
        }
    }

    @Test("what is no network or no prefix is refused")
    func refused() async throws {
        for network in [
            "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::/129", "x", "10.0.0.0/8/8", "01.2.3.4", "1.2.3.256", ":::",
            "1::2::3", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.1:80/8", "10.0.0.1:80",
            "[fd00::]/8", "fe80::%eth0/64", "10.0.0.0/", "/8", "10.0.0.0/0x8", "10.0.0.0/\u{0661}",
        ] {
            #expect(throws: SessionError.self, "\(network)") { try TrustedProxies(networks: [network]) }
        }
        #expect(throws: SessionError.self) { try TrustedProxies(hops: 0, networks: []) }
        #expect(throws: SessionError.self) { try TrustedProxies(networks: [], addressField: "a b") }
        for name in ["Forwarded", "forwarded"] {
            #expect(throws: SessionError.self) { try TrustedProxies(networks: [], addressField: name) }
            #expect {
                try TrustedProxies(networks: [], schemeField: name)
            } throws: { error in
                "\(error)".contains("X-Forwarded-For")
            }
        }
        for pinning in [AddressPinning(ipv4PrefixLength: 33), AddressPinning(ipv6PrefixLength: -1)] {
            #expect(throws: SessionError.self) { try World().config { $0.pinning = pinning } }
        }
    }
}
