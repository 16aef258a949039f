import Foundation
import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Session endpoints")
struct EndpointTests {
    struct Profile: Codable, Sendable, Equatable {
        var theme = "light"
        var volume: Int? = 5
        var isAdmin = false
        var serial = UInt64.max
        var price: Decimal? = Decimal(string: "0.1")
    }

    private static let all = Set(SessionEndpoints.Method.allCases)

    private struct Answer {
        var status: Int
        var body: String
        var fields: HTTPFields
    }

    private func config(_ world: World) throws -> SessionConfig<Profile> {
        try SessionConfig(in: world.place, options: world.options) { Profile() }
    }

    private func call(
        _ method: HTTPRequest.Method,
        _ body: String = "",
        _ browser: Browser,
        _ config: SessionConfig<Profile>,
        _ endpoints: SessionEndpoints = SessionEndpoints(methods: Self.all, writable: ["theme", "volume"]),
        _ fields: HTTPFields? = nil
    ) async throws -> Answer {
        let fetchSite = try #require(HTTPField.Name("Sec-Fetch-Site"))
        let standard: HTTPFields = [.contentType: "application/json; charset=utf-8", fetchSite: "same-origin"]
        let response = try await browser.visit(config, method, fields ?? standard) { event in
            try await sessionEndpoint(event, body: Array(body.utf8), as: Profile.self, endpoints)
        }
        let text = String(decoding: response.body, as: UTF8.self)
        return Answer(status: response.status.code, body: text, fields: response.fields)
    }

    private func value(_ browser: Browser, _ config: SessionConfig<Profile>) async throws -> Profile? {
        try await browser.visit(config) { try await getSession($0, as: Profile.self) }
    }

    @Test("read, merge, replace and end a session, never its ID", arguments: Store.allCases)
    func methods(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        let browser = Browser()
        let empty = try await self.call(.get, browser, config)
        #expect(empty.status == 200)
        #expect(empty.body == "null")
        #expect(browser.cookies.isEmpty)

        let patched = try await self.call(.patch, #"{"theme":"dark"}"#, browser, config)
        #expect(patched.status == 200)
        #expect(patched.fields[.contentType] == "application/json")
        #expect(patched.fields[.cacheControl] == "no-store")
        #expect(try await self.value(browser, config) == Profile(theme: "dark"))
        let merged = try await self.call(.patch, #" { "volume" : null , "theme":"da\"rk,{}" } "#, browser, config)
        #expect(merged.status == 200)
        #expect(try await self.value(browser, config) == Profile(theme: "da\"rk,{}", volume: nil))

        #expect(try await self.call(.post, #"{"theme":"blue"}"#, browser, config).status == 200)
        #expect(try await self.value(browser, config) == Profile(theme: "blue", volume: nil))
        #expect(try await self.call(.post, #"{"volume":1}"#, browser, config).status == 400)
        #expect(try await self.value(browser, config) == Profile(theme: "blue", volume: nil))

        let read = try await self.call(.get, browser, config)
        #expect(read.body.contains("\"theme\":\"blue\""))
        #expect(read.body.contains("18446744073709551615"))
        let cookie = try #require(browser.cookies[config.cookieName])
        let id = String(cookie.dropFirst(4).prefix(43))
        #expect(!read.body.contains(id))

        let ended = try await self.call(.delete, browser, config)
        #expect(ended.status == 204)
        #expect(ended.body.isEmpty)
        #expect(browser.cookies.isEmpty)
        #expect(try await world.keys().isEmpty)
    }

    @Test(
        "A55 fields that are not declared writable, and bodies of another shape, are 400 and change nothing",
        arguments: Store.allCases)
    func refused(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        let browser = Browser()
        _ = try await self.call(.patch, #"{"theme":"dark"}"#, browser, config)
        let before = try await self.value(browser, config)
        let bodies = [
            #"{"isAdmin":true}"#, #"{"theme":"x","isAdmin":true}"#, #"{"theme":"x","unknown":1}"#, #"{"theme":7}"#,
            #"{"theme":null}"#, #"{"theme":"a","theme":"b"}"#, #"{"isAdmi\u006e":true}"#, "[]", "[{\"theme\":\"x\"}]",
            "7", "null",
            "\"theme\"", "", "{", "{}}", #"{"theme":"x",}"#, #"{"theme":"x"} {}"#, #"{'theme':'x'}"#,
            "{\"theme\":\"\u{1}\"}",
            #"{"id":"x"}"#, #"{"createdAt":1}"#, #"{"volume":1e400}"#, #"{"volume":1.5}"#,
            String(repeating: "[", count: 8000), #"{"theme":"# + String(repeating: "[", count: 8000),
        ]
        for method in [HTTPRequest.Method.patch, .post] {
            for body in bodies {
                let answer = try await self.call(method, body, browser, config)
                #expect(answer.status == 400, "\(method) \(body.prefix(40))")
                #expect(answer.body.contains("\"error\""))
                #expect(try await self.value(browser, config) == before)
            }
        }
        _ = try await self.call(.patch, #"{"isAdmin":true}"#, Browser(), config)
        #expect(try await world.keys().count == 1)
    }

    @Test("a refusal names the writable field that is missing or wrong, and no other")
    func named() async throws {
        struct Odd: Codable, Sendable {
            var theme = "light"
            var tags = ["a": 1]
            var hidden = 1
        }
        let world = try World()
        let config = try SessionConfig(in: world.place, options: world.options) { Odd() }
        let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
        func message(_ method: HTTPRequest.Method, _ body: String, writable: Set<String>) async throws -> String {
            let endpoints = SessionEndpoints(methods: Self.all, writable: writable)
            let fields: HTTPFields = [.contentType: "application/json", site: "same-origin"]
            let response = try await Browser().visit(config, method, fields) { event in
                try await sessionEndpoint(event, body: Array(body.utf8), as: Odd.self, endpoints)
            }
            #expect(response.status == .badRequest)
            return String(decoding: response.body, as: UTF8.self)
        }
        let both: Set<String> = ["theme", "tags"]
        let missing = try await message(.post, #"{"tags":{}}"#, writable: both)
        #expect(missing == #"{"error":"bad_request","message":"the field theme is missing"}"#)
        let wrong = try await message(.patch, #"{"theme":1}"#, writable: both)
        #expect(wrong == #"{"error":"bad_request","message":"the field theme is not of the session's type"}"#)
        let nested = try await message(.patch, #"{"tags":{"\"}<x":"y"}}"#, writable: both)
        #expect(nested == #"{"error":"bad_request","message":"the field tags is not of the session's type"}"#)
        #expect(try await world.keys().isEmpty)
    }

    @Test("the body's size and type are limited")
    func limits() async throws {
        let config = try self.config(try World())
        let endpoints = SessionEndpoints(methods: Self.all, writable: ["theme"], maximumBodyBytes: 20)
        #expect(try await self.call(.patch, #"{"theme":"12345678"}"#, Browser(), config, endpoints).status == 200)
        #expect(try await self.call(.patch, #"{"theme":"123456789"}"#, Browser(), config, endpoints).status == 413)
        let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
        for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""]
        {
            let fields: HTTPFields = [.contentType: type, site: "same-origin"]
            #expect(try await self.call(.patch, #"{"theme":"x"}"#, Browser(), config, endpoints, fields).status == 415)
        }
        #expect(try await self.call(.post, "{}", Browser(), config, endpoints, [site: "same-origin"]).status == 415)
    }

    @Test("nothing is enabled that is not named")
    func selection() async throws {
        let config = try self.config(try World())
        for method in [HTTPRequest.Method.get, .patch, .post, .delete] {
            #expect(try await self.call(method, "{}", Browser(), config, SessionEndpoints()).status == 404)
            let answer = try await self.call(method, "{}", Browser(), config, SessionEndpoints(methods: [.get]))
            #expect(answer.status == (method == .get ? 200 : 405))
            if method != .get { #expect(answer.fields[.allow] == "GET, HEAD, OPTIONS") }
        }
        #expect(try await self.call(.put, "{}", Browser(), config).status == 405)
        let options = try await self.call(.options, Browser(), config)
        #expect(options.status == 204)
        #expect(options.fields[.allow] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST")
        let deletes = try await self.call(.head, "", Browser(), config, SessionEndpoints(methods: [.delete]))
        #expect(deletes.status == 405)
        #expect(deletes.fields[.allow] == "DELETE, OPTIONS")
        let readable = SessionEndpoints(methods: Self.all, writable: ["theme"], readable: ["theme"])
        #expect(try await self.call(.patch, #"{"theme":"x"}"#, Browser(), config, readable).body == #"{"theme":"x"}"#)
    }

    @Test("R36 writing needs the token or the same origin; reading does not", arguments: Store.allCases)
    func forgery(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        let browser = Browser()
        try await browser.visit(config) { try await updateSession($0, as: Profile.self) { $0.theme = "dark" } }
        let token = try await browser.visit(config) { try await csrfToken($0) }
        let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
        let csrf = try #require(HTTPField.Name("X-CSRF-Token"))
        let endpoints = SessionEndpoints(
            methods: Self.all, writable: ["theme"], allowedOrigins: ["https://admin.example.org"])
        let table: [(fields: HTTPFields, passes: Bool)] = [
            ([:], false), ([site: "same-origin"], true), ([site: "same-site"], false), ([site: "cross-site"], false),
            ([site: "none"], false), ([.origin: "https://example.org"], true), ([.origin: "http://example.org"], false),
            ([.origin: "https://example.org.evil.net"], false), ([.origin: "null"], false),
            ([.origin: "https://admin.example.org"], true),
            ([.origin: "https://admin.example.org", site: "same-site"], true),
            ([.origin: "https://example.org", site: "cross-site"], false), ([csrf: token], true), ([csrf: "x"], false),
            ([csrf: token, site: "cross-site"], true),
        ]
        for (fields, passes) in table {
            var fields = fields
            fields[.contentType] = "application/json"
            for method in [HTTPRequest.Method.patch, .post] {
                let answer = try await self.call(method, #"{"theme":"x"}"#, browser, config, endpoints, fields)
                #expect(answer.status == (passes ? 200 : 403), "\(method) \(fields)")
            }
            #expect(try await self.call(.get, browser, config, endpoints, fields).status == 200)
            if !passes { #expect(try await self.call(.delete, browser, config, endpoints, fields).status == 403) }
        }
        var open = endpoints
        open.forgeryCheck = .none
        #expect(try await self.call(.delete, browser, config, open, [:]).status == 204)
    }

    @Test(
        "an answer says how long the session goes on; asking by HEAD does not make it longer", arguments: Store.allCases
    )
    func expiry(store: Store) async throws {
        let world = try World(store)
        var options = world.options
        options.maxAge = .seconds(1000)
        options.idleTimeout = .seconds(100)
        options.touchInterval = .seconds(10)
        let config = try SessionConfig(in: world.place, options: options) { Profile() }
        let name = try #require(HTTPField.Name("X-Session-Expires-In"))
        let browser = Browser()
        for method in [HTTPRequest.Method.get, .head] {
            #expect(try await self.call(method, browser, config).fields[name] == nil)
        }
        #expect(try await self.call(.patch, "{}", browser, config).fields[name] == "100")
        world.clock.advance(by: .milliseconds(30_500))
        _ = world.counting.reset()
        for _ in 0..<3 { #expect(try await self.call(.head, browser, config).fields[name] == "69") }
        #expect(world.counting.calls.allSatisfy { !$0.operation.isWrite })
        #expect(try await self.call(.get, browser, config).fields[name] == "100")
        for _ in 0..<12 {
            world.clock.advance(by: .seconds(80))
            _ = try await self.call(.get, browser, config)
        }
        // The absolute limit is the nearer one now.
        #expect(try await self.call(.post, #"{"theme":"x"}"#, browser, config).fields[name] == "9")
        #expect(try await self.call(.patch, #"{"isAdmin":true}"#, browser, config).fields[name] == nil)
        #expect(try await self.call(.delete, browser, config).fields[name] == nil)
    }

    @Test("every answer keeps browsers from guessing what it is")
    func sniffing() async throws {
        let config = try self.config(try World())
        for (method, body) in [
            (HTTPRequest.Method.get, ""), (.head, ""), (.patch, "{}"), (.patch, "<script>"), (.put, ""), (.post, "[]"),
        ] {
            let answer = try await self.call(method, body, Browser(), config)
            #expect(answer.fields[.xContentTypeOptions] == "nosniff", "\(method) \(body)")
        }
        let refused = try await self.call(.patch, "{}", Browser(), config, SessionEndpoints(methods: [.patch]), [:])
        #expect(refused.fields[.xContentTypeOptions] == "nosniff")
    }

    @Test("what is the server's fault is thrown, what is the client's is answered")
    func faults() async throws {
        let world = try World()
        let config = try self.config(world)
        let browser = Browser()
        _ = try await self.call(.patch, #"{"theme":"dark"}"#, browser, config)
        world.faulty.fail(lasting: true)
        #expect(try await code { _ = try await self.call(.get, browser, config) } == .storage)
        world.faulty.repair()
        let pause = world.pausing.pause(.before) { $0.operation == .swap }
        async let answer = self.call(.patch, #"{"theme":"x"}"#, browser.copy(), config)
        await pause.reached()
        try await browser.copy().visit(config) { try await destroySession($0) }
        pause.resume()
        #expect(try await answer.status == 409)
        #expect(try await world.keys().isEmpty)
    }
}

extension EndpointTests {
    private func call(
        _ method: HTTPRequest.Method,
        _ browser: Browser,
        _ config: SessionConfig<Profile>
    ) async throws -> Answer {
        try await self.call(method, "", browser, config)
    }

    private func call(
        _ method: HTTPRequest.Method,
        _ browser: Browser,
        _ config: SessionConfig<Profile>,
        _ endpoints: SessionEndpoints,
        _ fields: HTTPFields
    ) async throws -> Answer {
        try await self.call(method, "", browser, config, endpoints, fields)
    }
}
