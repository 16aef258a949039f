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

    @Test("R38 Authorization: Bearer alone is read, and answered in X-Session-Token", arguments: Store.allCases)
    func bearer(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { $0.tokenField = .bearer }
        let answer = try #require(HTTPField.Name("X-Session-Token"))
        func event(_ values: [String], _ browser: Browser = Browser()) async throws -> SessionEvent {
            let event = browser.request(.post)
            var request = event.request
            for value in values { request.headerFields.append(HTTPField(name: .authorization, value: value)) }
            let bearer = SessionEvent(request: request, remoteAddress: event.remoteAddress, isSecure: true)
            try await useSession(bearer, config)
            return bearer
        }
        func count(_ values: [String], _ browser: Browser = Browser()) async throws -> Int? {
            try await getSession(try await event(values, browser), as: Visits.self)?.count
        }
        let first = try await event(["Bearer"])
        #expect(first.authenticationChallenge == "Bearer")
        try await increment(first)
        let token = try #require(first.responseFields[answer])
        #expect(token.hasPrefix("s:"))
        #expect(first.setCookies.isEmpty)
        #expect(first.responseFields[.cacheControl] == "no-store")
        #expect(first.responseFields[.vary] == "Cookie, Authorization")

        for value in ["Bearer \(token)", "bearer \(token)", "BEARER   \(token)"] {
            #expect(try await count([value]) == 1, "\(value)")
        }
        for values in [
            ["Basic \(token)"], ["Bearer\(token)"], [token], ["Bearerx \(token)"], ["Bearer x"],
            ["Bearer\t\(token)"], ["Bearer \(token)", "Bearer \(token)"], ["Basic x", "Bearer \(token)"],
            ["Bearer \(token)", "Basic x"], ["Bearer \(token), Bearer \(token)"], [],
        ] {
            #expect(try await count(values) == nil, "\(values)")
        }
        // The field of answers is none of requests.
        let misled = Browser().request(.get, [answer: token])
        try await useSession(misled, config)
        #expect(try await getSession(misled, as: Visits.self) == nil)

        // Never against the cookie.
        let browser = Browser()
        for _ in 0..<2 { _ = try await browser.visit(config) { try await increment($0) } }
        #expect(try await count(["Bearer \(token)"], browser) == nil)
        #expect(world.kinds.last == .rejected(.ambiguous))
        #expect(try await count(["Basic x"], browser) == 2)
        #expect(try await count(["Bearer"], browser) == 2)

        let end = try await event(["Bearer \(token)"])
        #expect(end.authenticationChallenge == "Bearer error=\"invalid_token\"")
        try await destroySession(end)
        #expect(end.responseFields[answer] == "")
        #expect(try await count(["Bearer \(token)"]) == nil)
    }

    @Test("Only a client without the cookie of a session that takes Bearer tokens is asked for one")
    func challenge() async throws {
        let world = try World()
        let plain = try world.config()
        let bearer = try world.config { $0.tokenField = .bearer }
        let browser = Browser()
        _ = try await browser.visit(plain) { try await increment($0) }
        #expect(try await Browser().visit(plain) { $0.authenticationChallenge } == nil)
        #expect(try await Browser().visit(bearer) { $0.authenticationChallenge } == "Bearer")
        #expect(try await browser.visit(bearer) { $0.authenticationChallenge } == nil)
    }

    @Test("R36 R38 a login for a token needs no other proof: the field, or the scheme, and no cookie of this session")
    func forgery() async throws {
        let world = try World()
        for field in ["X-Session", .bearer] as [SessionTokenField] {
            let config = try world.config { $0.tokenField = field }
            let own = try #require(HTTPField.Name("X-Session"))
            let asking: HTTPFields = field == .bearer ? [.authorization: "Bearer"] : [own: ""]
            func refusal(_ fields: HTTPFields, _ browser: Browser = Browser()) async throws -> SessionError.Code? {
                try await browser.visit(config, .post, fields) { event in try await code { try await verifyCSRF(event) }
                }
            }
            #expect(try await refusal(asking) == nil)
            #expect(try await refusal([:]) == .forbidden)
            let browser = Browser()
            _ = try await browser.visit(config) { try await increment($0) }
            for cookies in [browser, Browser([config.cookieName: ""]), Browser([config.cookieName: "planted"])] {
                #expect(try await refusal(asking, cookies) == .forbidden)
            }
            #expect(try await refusal(asking, Browser(["theme": "dark"])) == nil)
            guard field == .bearer else { continue }
            #expect(try await refusal([.authorization: "Basic YTpi"]) == .forbidden)
            var two = HTTPFields()
            for value in ["Bearer", "Basic YTpi"] { two.append(HTTPField(name: .authorization, value: value)) }
            #expect(try await refusal(two) == .forbidden)
        }
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
