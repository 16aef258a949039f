import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Configuration")
struct ConfigurationTests {
    private static let good = World.secret

    private func refusal(
        secret: [String] = [Self.good],
        name: String = "sid",
        maxAge: Duration = .seconds(60),
        idleTimeout: Duration? = nil,
        rolling: Bool = false,
        cookie: CookieAttributes = CookieAttributes(),
        _ change: (inout SessionOptions) -> Void = { _ in }
    ) async throws -> SessionError.Code? {
        try await code {
            _ = try World().config(
                secret: secret,
                name: name,
                maxAge: maxAge,
                idleTimeout: idleTimeout,
                rolling: rolling,
                cookie: cookie,
                change
            )
        }
    }

    @Test("R18 the defaults: __Host-, Secure, HttpOnly, SameSite=Lax, Path=/, no Domain", arguments: Store.allCases)
    func defaults(store: Store) async throws {
        let world = try World(store)
        let event = Browser().request()
        try await useSession(event, try world.config())
        try await increment(event)
        let cookie = try #require(event.setCookies.first)
        #expect(cookie.hasPrefix("__Host-sid=s%3A"))
        #expect(cookie.hasSuffix("; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax; Secure"))
    }

    @Test("R18 attributes come out as configured, and the prefix where they allow it", arguments: Store.allCases)
    func attributes(store: Store) async throws {
        let table: [(CookieAttributes, name: String, suffix: String)] = [
            (CookieAttributes(secure: .never), "sid", "; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"),
            (CookieAttributes(prefix: .none), "sid", "; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"),
            (CookieAttributes(prefix: .secure), "__Secure-sid", "; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"),
            (CookieAttributes(path: "/app"), "sid", "; Max-Age=60; Path=/app; HttpOnly; SameSite=Lax; Secure"),
            (
                CookieAttributes(domain: "example.org"), "sid",
                "; Max-Age=60; Path=/; Domain=example.org; HttpOnly; SameSite=Lax; Secure"
            ),
            (
                CookieAttributes(httpOnly: false, sameSite: .strict), "__Host-sid",
                "; Max-Age=60; Path=/; SameSite=Strict; Secure"
            ),
            (
                CookieAttributes(sameSite: .none, partitioned: true), "__Host-sid",
                "; Max-Age=60; Path=/; HttpOnly; SameSite=None; Partitioned; Secure"
            ),
            (CookieAttributes(persistent: false), "__Host-sid", "; Path=/; HttpOnly; SameSite=Lax; Secure"),
        ]
        for (attributes, name, suffix) in table {
            let config = try World(store).config(maxAge: .seconds(60), cookie: attributes)
            let event = Browser().request()
            try await useSession(event, config)
            try await increment(event)
            let cookie = try #require(event.setCookies.first)
            #expect(config.cookieName == name)
            #expect(cookie.hasPrefix(name + "="))
            #expect(String(cookie.drop { $0 != ";" }) == suffix)
        }
    }

    @Test("R18 impossible combinations are refused")
    func impossible() async throws {
        let cookies = [
            CookieAttributes(domain: "example.org", prefix: .host), CookieAttributes(path: "/x", prefix: .host),
            CookieAttributes(secure: .never, prefix: .host), CookieAttributes(secure: .automatic, prefix: .host),
            CookieAttributes(secure: .never, prefix: .secure), CookieAttributes(secure: .never, sameSite: .none),
            CookieAttributes(secure: .automatic, sameSite: .none), CookieAttributes(secure: .never, partitioned: true),
        ]
        for cookie in cookies { #expect(try await self.refusal(cookie: cookie) == .invalidConfiguration) }
        for name in ["__Host-sid", "__host-sid", "__HOST-sid"] {
            #expect(try await self.refusal(name: name, cookie: CookieAttributes(path: "/x")) == .invalidConfiguration)
            #expect(
                try await self.refusal(name: name, cookie: CookieAttributes(domain: "a.b")) == .invalidConfiguration)
            #expect(try await self.refusal(name: name) == nil)
        }
        #expect(
            try await self.refusal(name: "__Secure-x", cookie: CookieAttributes(secure: .never))
                == .invalidConfiguration)
        #expect(try await self.refusal(rolling: true) == .invalidConfiguration)
        #expect(try await self.refusal { $0.touchInterval = .seconds(1) } == .invalidConfiguration)
        #expect(
            try await self.refusal(idleTimeout: .seconds(1)) { $0.touchInterval = .seconds(1) } == .invalidConfiguration
        )
        #expect(try await self.refusal { $0.maximumDataBytes = 0 } == .invalidConfiguration)
        #expect(try await self.refusal { $0.updateAttempts = 0 } == .invalidConfiguration)
    }

    @Test("R18 __Http- and __Host-Http-, where they are asked for, and not without what they stand for")
    func httpPrefixes() async throws {
        let world = try World()
        for (prefix, name, path) in [
            (CookieAttributes.Prefix.http, "__Http-sid", "/app"), (.hostHTTP, "__Host-Http-sid", "/"),
        ] {
            let config = try world.config(maxAge: .seconds(60), cookie: CookieAttributes(path: path, prefix: prefix))
            let event = Browser().request()
            try await useSession(event, config)
            try await increment(event)
            let cookie = try #require(event.setCookies.first)
            #expect(cookie.hasPrefix("\(name)=s%3A"))
            #expect(cookie.hasSuffix("; Max-Age=60; Path=\(path); HttpOnly; SameSite=Lax; Secure"))
        }
        for cookie in [
            CookieAttributes(httpOnly: false, prefix: .http), CookieAttributes(secure: .automatic, prefix: .http),
            CookieAttributes(httpOnly: false, prefix: .hostHTTP), CookieAttributes(secure: .never, prefix: .hostHTTP),
            CookieAttributes(path: "/x", prefix: .hostHTTP), CookieAttributes(domain: "a.b", prefix: .hostHTTP),
        ] {
            #expect(try await self.refusal(cookie: cookie) == .invalidConfiguration)
        }
        for name in ["__Http-sid", "__host-http-sid", "__HTTP-sid"] {
            #expect(
                try await self.refusal(name: name, cookie: CookieAttributes(httpOnly: false)) == .invalidConfiguration)
            #expect(try await self.refusal(name: name) == nil)
        }
        #expect(
            try world.config(name: "__Host-Http-a", cookie: CookieAttributes(prefix: .host)).cookieName
                == "__Host-Http-a")
        #expect(try world.config(name: "__Http-a").cookieName == "__Http-a")
    }

    @Test("R18 A35 a domain that browsers would drop is refused")
    func domains() async throws {
        for domain in [
            "com", "localhost", "127.0.0.1", "[::1]", "a..b", ".example.org", "example.org.", ".", "", "-a.example",
            "a-.example", "a.1", "1.2.3", "ex\u{E4}mple.org", "a_b.example",
            String(repeating: "a", count: 64) + ".example",
        ] {
            #expect(
                try await self.refusal(cookie: CookieAttributes(domain: domain)) == .invalidConfiguration, "\(domain)")
        }
        for domain in [
            "example.org", "Example.ORG", "a.b.c-d.example", "app.localhost", "1.example", "xn--exmple-cua.org",
        ] {
            #expect(try await self.refusal(cookie: CookieAttributes(domain: domain)) == nil, "\(domain)")
        }
    }

    @Test("R38 a token's field is one that nothing else uses")
    func tokenFields() async throws {
        for name in [
            "Cookie", "Set-Cookie", "cookie", "Host", "Content-Length", "Content-Type", "Accept", "Accept-Language",
            "Authorization", "Origin", "Referer", "User-Agent", "Sec-Fetch-Site", "Proxy-Authorization",
            "If-None-Match",
            "X-Forwarded-For", "X-Forwarded-Whatever", "Transfer-Encoding", "Vary", "Location", "Cache-Control",
            "Range",
            "X-CSRF-Token", "a b", "",
        ] {
            #expect(try await self.refusal { $0.tokenField = .header(name) } == .invalidConfiguration, "\(name)")
            if name != "X-CSRF-Token" {
                #expect(try await self.refusal { $0.csrfField = name } == .invalidConfiguration, "\(name)")
            }
        }
        #expect(try await self.refusal { $0.tokenField = "X-Session-Token" } == nil)
        #expect(try await self.refusal { $0.tokenField = .bearer } == nil)
    }

    @Test("R22 a name that leaves no room for the value is refused")
    func longNames() async throws {
        #expect(try await self.refusal(name: String(repeating: "x", count: 4000)) == .invalidConfiguration)
        #expect(try await self.refusal(name: String(repeating: "x", count: 3800)) == nil)
    }

    @Test("R26 A21 missing, empty and short secrets are refused")
    func secrets() async throws {
        let refused = [
            [], [""], ["keyboard cat"], [Self.good, ""], [Self.good, "short"], [String(repeating: "x", count: 31)],
        ]
        for secret in refused { #expect(try await self.refusal(secret: secret) == .invalidConfiguration) }
        // What nobody draws at random: few characters, or a short piece again and again.
        for secret in [
            String(repeating: "a", count: 32), String(repeating: "ü", count: 16), String(repeating: "0123", count: 10),
            String(repeating: "password", count: 4), String(repeating: "correct horse ", count: 3) + "corr",
        ] {
            #expect {
                _ = try World().config(secret: [secret])
            } throws: { error in
                "\(error)".contains("openssl rand -base64 32") && !"\(error)".contains(secret)
            }
        }
        for secret in [
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "mJ8x3Vd0s6O3Jk5nqk1yVbS1i9J0yqvH5l3l8kVh7eM=",
            "Iñtërnâtiônàlizætiøn-Ünïcödé",
        ] {
            #expect(try await self.refusal(secret: [secret]) == nil)
        }
        let name = "a-name-that-is-as-long-as-a-secret-is"
        #expect(try await self.refusal(secret: [name], name: name) == .invalidConfiguration)
        #expect(try await self.refusal(secret: ["__Host-\(name)"], name: name) == .invalidConfiguration)
        #expect(try await self.refusal(secret: ["__Secure-\(name)"], name: name) == nil)
    }

    @Test("R26 the error does not tell the secret")
    func secretStaysSecret() {
        #expect {
            _ = try World().config(secret: ["hunter2"])
        } throws: { error in
            !"\(error)".contains("hunter2")
        }
    }

    @Test("R26 neither secrets nor keys show in what is printed")
    func nothingPrinted() throws {
        let secrets: SessionSecrets = [World.secret, "another secret of more than 32 bytes"]
        let key = try SealingKey(id: "a", bytes: Array(repeating: 77, count: 32))
        let storage = SessionPlace.storage(Storage(), secrets: secrets)
        for subject in [secrets, storage, SessionPlace.cookie(sealedWith: [key])] as [Any] {
            var dumped = ""
            dump(subject, to: &dumped)
            for text in [dumped, "\(subject)", String(reflecting: subject)] {
                #expect(!text.contains("secret of") && !text.contains("77"), "\(text)")
            }
        }
        #expect("\(storage)" == "storage")
    }

    @Test("A35 nothing can be injected into Set-Cookie by configuration")
    func injection() async throws {
        for text in ["a;b", "a\r\nSet-Cookie: x=y", "a\nb", "a\0b", "a b", "a=b", "", "ü", "a,b", "a\"b"] {
            #expect(try await self.refusal(name: text) == .invalidConfiguration, "name \(text)")
        }
        for text in ["/a;b", "/a\r\nb", "/a\0", "a", "", "/ü", "/a b", "/" + String(repeating: "x", count: 1024)] {
            #expect(
                try await self.refusal(cookie: CookieAttributes(path: text)) == .invalidConfiguration, "path \(text)")
        }
        for text in ["a;b", "a\r\nb", "a\0", "", ".", "..", "ü.org", "a b", String(repeating: "x", count: 254)] {
            #expect(
                try await self.refusal(cookie: CookieAttributes(domain: text)) == .invalidConfiguration,
                "domain \(text)")
        }
    }

    @Test(
        "A36 times that are zero or negative are refused, huge ones neither trap nor reach the cookie",
        arguments: Store.allCases)
    func times(store: Store) async throws {
        for time in [Duration.zero, .seconds(-1), .nanoseconds(-1)] {
            #expect(try await self.refusal(maxAge: time) == .invalidConfiguration)
            #expect(try await self.refusal(idleTimeout: time) == .invalidConfiguration)
        }
        for time in [Duration.seconds(Int64.max), .seconds(100 * 366 * 86_400), .seconds(401 * 86_400)] {
            let world = try World(store)
            let config = try world.config(maxAge: time, idleTimeout: time, rolling: true)
            let browser = Browser()
            let event = browser.request()
            try await useSession(event, config)
            try await increment(event)
            browser.receive(event)
            #expect(event.setCookies.first?.contains("; Max-Age=34560000;") == true)
            world.clock.advance(by: .seconds(400 * 86_400))
            #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 1)
        }
    }

    @Test("A36 so are the times and numbers among the options", arguments: Store.allCases)
    func optionTimes(store: Store) async throws {
        for time in [Duration.seconds(-1), .nanoseconds(-1), .seconds(Int64.min)] {
            #expect(try await self.refusal { $0.regenerationGrace = time } == .invalidConfiguration)
            #expect(
                try await self.refusal(idleTimeout: .seconds(60)) { $0.touchInterval = time } == .invalidConfiguration)
        }
        for number in [0, -1, Int.min] {
            #expect(try await self.refusal { $0.maximumPerUser = number } == .invalidConfiguration)
            #expect(try await self.refusal { $0.maximumDataBytes = number } == .invalidConfiguration)
            #expect(try await self.refusal { $0.updateAttempts = number } == .invalidConfiguration)
        }
        #expect(try await self.refusal { $0.dataVersion = -1 } == .invalidConfiguration)
        let world = try World(store)
        let config = try world.config(maxAge: .seconds(600)) { options in
            options.regenerationGrace = .seconds(Int64.max)
            options.maximumDataBytes = .max
            options.maximumPerUser = .max
            options.updateAttempts = .max
        }
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        let old = browser.copy()
        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await old.visit(config) { try await getSession($0, as: Visits.self) } == Visits())
        // The old ID's record lives no longer than the session.
        world.clock.advance(by: .seconds(600))
        #expect(try await old.visit(config) { try await getSession($0, as: Visits.self) } == nil)
        #expect(try await world.keys().isEmpty)
    }

    @Test(
        "R21 a browser-session cookie has no age, and the server's limits hold all the same", arguments: Store.allCases)
    func browserSession(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(
            maxAge: .seconds(600), idleTimeout: .seconds(60), rolling: true,
            cookie: CookieAttributes(persistent: false)
        ) { $0.touchInterval = .zero }
        let browser = Browser()
        for _ in 0..<5 {
            let event = browser.request()
            try await useSession(event, config)
            try await increment(event)
            browser.receive(event)
            let cookie = try #require(event.setCookies.first)
            #expect(!cookie.contains("Max-Age") && !cookie.contains("Expires"))
            world.clock.advance(by: .seconds(59))
        }
        world.clock.advance(by: .seconds(1))
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self) } == nil)
    }

    @Test("R19 Secure by the connection, where configured so", arguments: Store.allCases)
    func secureByConnection(store: Store) async throws {
        let config = try World(store).config(cookie: CookieAttributes(secure: .automatic))
        for isSecure in [true, false] {
            let event = Browser().request(isSecure: isSecure)
            try await useSession(event, config)
            try await increment(event)
            #expect(event.setCookies.first?.contains("; Secure") == isSecure)
        }
    }
}
