#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import KVStorage
import KVStorageHummingbird
import NIOCore
import Sessions
import Testing

@Suite("Forms and tokens at a login")
struct FormTests {
    private struct Visits: Codable, Sendable { var count = 0 }

    private struct Login: Codable {
        var name: String
        var remember: Bool?
    }

    private func app(_ field: SessionTokenField? = nil) throws -> some ApplicationProtocol {
        var options = SessionOptions()
        options.cookie.secure = .never
        options.tokenField = field
        let place = SessionPlace.storage(Storage(), secrets: "a secret of thirty-two bytes, no less")
        let sessions = try SessionConfig(in: place, options: options) { Visits() }
        let router = Router(context: FormSessionRequestContext.self)
        router.add(middleware: SessionMiddleware(sessions))
        router.add(middleware: CSRFMiddleware())
        router.post("login") { request, context in
            let login = try await request.decode(as: Login.self, context: context)
            guard login.name == "ada b" else { throw HTTPError(.unauthorized) }
            try await authenticateSession(context.event, user: login.name)
            return "\(login.remember ?? false)"
        }
        router.get("user") { _, context in
            guard let user = try await sessionInfo(context.event)?.user else { throw HTTPError(.unauthorized) }
            return user
        }
        router.get("own") { _, _ -> String in
            throw HTTPError(.unauthorized, headers: [.wwwAuthenticate: "Basic realm=\"x\""])
        }
        router.get("plain") { _, _ in Response(status: .unauthorized) }
        return Application(router: router)
    }

    @Test(
        "A handler decodes forms and JSON by their media type",
        arguments: [
            ("application/x-www-form-urlencoded", "name=ada+b&remember=true", "true"),
            ("application/x-www-form-urlencoded; charset=utf-8", "name=ada%20b", "false"),
            ("Application/X-WWW-Form-URLEncoded", "csrf_token=x&name=ada+b", "false"),
            ("application/json", #"{"name":"ada b","remember":true}"#, "true"),
            ("application/json; charset=utf-8", #"{"name":"ada b"}"#, "false"),
        ])
    func decoding(type: String, body: String, answer: String) async throws {
        try await self.app().test(.router) { client in
            let fields: HTTPFields = [.contentType: type, .origin: "http://localhost"]
            let login = try await client.execute(
                uri: "/login", method: .post, headers: fields, body: ByteBuffer(string: body))
            #expect(login.status == .ok)
            #expect(String(buffer: login.body) == answer)
            let wrong = try await client.execute(
                uri: "/login", method: .post, headers: fields, body: ByteBuffer(string: "%%%"))
            #expect(wrong.status == .badRequest)
        }
    }

    @Test("A program logs in for a token, by curl's words, and goes on with it", arguments: [true, false])
    func token(isBearer: Bool) async throws {
        let own = try #require(HTTPField.Name("X-Session-Token"))
        let field: SessionTokenField = isBearer ? .bearer : "X-Session-Token"
        try await self.app(field).test(.router) { client in
            // curl -H "Authorization: Bearer" or -H "X-Session-Token;"
            var fields: HTTPFields = isBearer ? [.authorization: "Bearer"] : [own: ""]
            fields[.contentType] = "application/json"
            let body = ByteBuffer(string: #"{"name":"ada b"}"#)
            let login = try await client.execute(uri: "/login", method: .post, headers: fields, body: body)
            #expect(login.status == .ok)
            #expect(login.headers[.setCookie] == nil)
            let token = try #require(login.headers[own])
            func user(_ token: String) async throws -> TestResponse {
                let fields: HTTPFields = isBearer ? [.authorization: "Bearer \(token)"] : [own: token]
                return try await client.execute(uri: "/user", method: .get, headers: fields)
            }
            #expect(String(buffer: try await user(token).body) == "ada b")

            let refused = try await client.execute(uri: "/login", method: .post, body: body)
            #expect(refused.status == .forbidden)
            let stranger = try await client.execute(uri: "/user", method: .get)
            #expect(stranger.status == .unauthorized)
            #expect(stranger.headers[.wwwAuthenticate] == (isBearer ? "Bearer" : nil))
            let dead = try await user("s:x")
            #expect(dead.status == .unauthorized)
            #expect(dead.headers[.wwwAuthenticate] == (isBearer ? "Bearer error=\"invalid_token\"" : nil))
            let browser = try await client.execute(uri: "/user", method: .get, headers: [.cookie: "sid=old"])
            #expect(browser.status == .unauthorized)
            #expect(browser.headers[.wwwAuthenticate] == nil)
            let plain = try await client.execute(uri: "/plain", method: .get)
            #expect(plain.headers[.wwwAuthenticate] == (isBearer ? "Bearer" : nil))
            let other = try await client.execute(uri: "/own", method: .get)
            #expect(other.headers[values: .wwwAuthenticate] == ["Basic realm=\"x\""])
        }
    }
}
#endif
