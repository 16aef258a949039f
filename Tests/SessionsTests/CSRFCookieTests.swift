import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("The cookie for tokens without a session")
struct CSRFCookieTests {
    private let csrf = HTTPField.Name("X-CSRF-Token")

    private func outcome(
        _ config: SessionConfig<Visits>,
        _ browser: Browser,
        _ token: String,
        address: String? = "192.0.2.1"
    ) async throws -> SessionError.Code? {
        let name = try #require(self.csrf)
        return try await browser.visit(config, .post, [name: token], address: address) { event in
            try await code { try await verifyCSRF(event) }
        }
    }

    @Test("A54 R36 a robot that asks a hundred thousand times for a page with a form leaves nothing in storage")
    func flood() async throws {
        let world = try World()
        let config = try world.config()
        for _ in 0..<100_000 {
            let event = SessionEvent(
                request: HTTPRequest(method: .get, scheme: "https", authority: "a.example", path: "/login"))
            try await useSession(event, config)
            let token = try await csrfToken(event)
            guard token.utf8.count == 86 else { throw SessionError(.encoding, "no token") }
        }
        #expect(world.counting.calls.isEmpty)
        #expect(try await world.keys().isEmpty)
    }

    @Test("R18 R20 it has the session's attributes, is always HttpOnly, and is sent once")
    func attributes() async throws {
        let table: [(CookieAttributes, start: String, end: String)] = [
            (CookieAttributes(), "__Host-sid-csrf=", "; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure"),
            (
                CookieAttributes(secure: .never, httpOnly: false, sameSite: .strict, path: "/app", persistent: false),
                "sid-csrf=", "; Path=/app; HttpOnly; SameSite=Strict"
            ),
            (
                CookieAttributes(prefix: .hostHTTP), "__Host-Http-sid-csrf=",
                "; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure"
            ),
        ]
        for (attributes, start, end) in table {
            let config = try World().config(maxAge: .seconds(600), cookie: attributes)
            let browser = Browser()
            let event = browser.request()
            try await useSession(event, config)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try? await csrfToken(event) } }
            }
            #expect(event.setCookies.count == 1)
            let cookie = try #require(event.setCookies.first)
            #expect(cookie.hasPrefix(start) && cookie.hasSuffix(end), "\(cookie)")
            #expect(event.responseFields[.cacheControl] == "no-store")
            #expect(event.responseFields[.vary] == "Cookie")
            browser.receive(event)
            let again = browser.request()
            try await useSession(again, config)
            _ = try await csrfToken(again)
            #expect(again.setCookies.isEmpty)
            #expect(again.responseFields[.vary] == "Cookie")
        }
    }

    @Test("A21 A31 one that is made up, another purpose's or one of two signed ones is none")
    func forged() async throws {
        let config = try World().config()
        let name = "\(config.cookieName)-csrf"
        let browser = Browser()
        let token = try await browser.visit(config) { try await csrfToken($0) }
        let value = try #require(browser.cookies[name])
        #expect(value.utf8.count == 87)
        #expect(try await self.outcome(config, browser, token) == nil)
        let session = Browser()
        _ = try await session.visit(config) { try await increment($0) }
        let id = try #require(session.cookies[config.cookieName]).dropFirst(4)
        for wrong in [
            String(value.dropLast()), value + "A", String(value.prefix(43)), "", "\(id)",
            "\(value.prefix(43)).\(String(repeating: "A", count: 43))", "\"\(value)\"", value.replacing(".", with: "-"),
        ] {
            #expect(try await self.outcome(config, Browser([name: wrong]), token) == .forbidden, "\(wrong)")
            let event = Browser([name: wrong]).request()
            try await useSession(event, config)
            _ = try await csrfToken(event)
            #expect(event.setCookies.count == 1, "\(wrong)")
        }
        // As a session's cookie it is nothing either.
        let swapped = Browser([config.cookieName: value])
        #expect(try await swapped.visit(config) { try await getSession($0, as: Visits.self) } == nil)

        let planted = Browser()
        let known = try await planted.visit(config) { try await csrfToken($0) }
        let both = Browser([name: "\(value); \(name)=\(try #require(planted.cookies[name]))"])
        #expect(try await self.outcome(config, both, token) == .forbidden)
        #expect(try await self.outcome(config, both, known) == .forbidden)
    }

    @Test("R39 who has to log in again because of another network can send the form that does")
    func lockedSession() async throws {
        let config = try World().config { $0.pinning = AddressPinning(onMismatch: .reauthenticate) }
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        let before = try await browser.visit(config) { try await csrfToken($0) }
        let token = try await browser.visit(config, address: "198.51.100.7") { try await csrfToken($0) }
        #expect(try await self.outcome(config, browser, before, address: "198.51.100.7") == .forbidden)
        #expect(try await self.outcome(config, browser, token, address: "198.51.100.7") == nil)
        #expect(try await self.outcome(config, browser, token) == .forbidden)
        #expect(try await self.outcome(config, browser, before) == nil)
    }

    @Test("R29 a storage that fails is not taken for a request without a session")
    func storageFails() async throws {
        let world = try World()
        let config = try world.config()
        let browser = Browser()
        let token = try await browser.visit(config) { try await csrfToken($0) }
        _ = try await browser.visit(config) { try await increment($0) }
        world.faulty.fail(lasting: true)
        #expect(try await self.outcome(config, browser, token) == .storage)
        #expect(
            try await browser.visit(config) { event in try await code { _ = try await csrfToken(event) } } == .storage)
    }

    @Test("Once the head was sent no token is given for a cookie that can't be sent; a session's tokens are")
    func headSent() async throws {
        let config = try World().config()
        let browser = Browser()
        var fields = HTTPFields()
        let stranger = browser.request()
        try await useSession(stranger, config)
        stranger.apply(to: &fields)
        #expect(try await code { _ = try await csrfToken(stranger) } == .headSent)
        #expect(stranger.setCookies.isEmpty)
        _ = try await browser.visit(config) { try await increment($0) }
        let event = browser.request()
        try await useSession(event, config)
        event.apply(to: &fields)
        let token = try await csrfToken(event)
        #expect(try await self.outcome(config, browser, token) == nil)
    }

    @Test("A35 a session can't be called as another one's cookie for tokens")
    func names() async throws {
        let world = try World()
        #expect(try await code { _ = try world.config(name: "sid-csrf") } == .invalidConfiguration)
        #expect(try await code { _ = try world.config(name: "sid-CSRF") } == nil)
    }
}
