import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Tokens in header fields")
struct TokenFieldTests {
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

    @Test("R23 R38 a response that sends a token in a field is kept by no cache", arguments: Store.allCases)
    func caching(store: Store) async throws {
        let config = try World(store).config { $0.tokenField = "X-Session" }
        let name = try #require(HTTPField.Name("X-Session"))
        let event = Browser().request(.get, [name: ""])
        try await useSession(event, config)
        try await increment(event)
        var plain = HTTPFields()
        event.apply(to: &plain)
        #expect(plain[.cacheControl] == "no-store")
        #expect(plain[.vary] == "Cookie, X-Session")
        var fields: HTTPFields = [.cacheControl: "public, max-age=60"]
        for _ in 0..<2 {
            event.apply(to: &fields)
            #expect(fields[.cacheControl] == "public, max-age=60, no-cache=\"X-Session\"")
        }
    }
}
