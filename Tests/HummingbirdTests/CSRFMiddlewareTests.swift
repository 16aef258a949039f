#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import KVStorage
import KVStorageHummingbird
import NIOCore
import Sessions
import Testing

@Suite("CSRFMiddleware")
struct CSRFMiddlewareTests {
    private typealias CSRF = CSRFMiddleware<BasicSessionRequestContext>

    private struct Account: Codable, Sendable { var notes: [String] = [] }

    private func app(_ csrf: CSRF) throws -> some ApplicationProtocol {
        var options = SessionOptions()
        options.cookie.secure = .never
        let place = SessionPlace.storage(Storage(), secrets: "a secret of thirty-two bytes, no less")
        let sessions = try SessionConfig(in: place, options: options) { Account() }
        let router = Router(context: BasicSessionRequestContext.self)
        router.add(middleware: SessionMiddleware(sessions))
        router.add(middleware: csrf)
        router.get("form") { _, context in try await csrfToken(context.event) }
        router.post("notes") { request, context in
            let body = String(buffer: try await request.body.collect(upTo: 1_000_000))
            try await updateSession(context.event, as: Account.self) { $0.notes.append(body) }
            return body
        }
        router.get("notes") { _, context in
            "\(try await getSession(context.event, as: Account.self)?.notes.count ?? 0)"
        }
        router.post("login") { _, context -> String in
            try await authenticateSession(context.event, user: "ada")
            throw HTTPError(.conflict, message: "and then this")
        }
        router.get("user") { _, context in try await sessionInfo(context.event)?.user ?? "nobody" }
        return Application(router: router)
    }

    /// A visitor who has the form: the cookie and the token.
    private func visit(_ client: any TestClientProtocol) async throws -> (cookie: String, token: String) {
        let form = try await client.execute(uri: "/form", method: .get)
        let cookie = try #require(form.headers[.setCookie]).prefix { $0 != ";" }
        return (String(cookie), String(buffer: form.body))
    }

    private func post(
        _ client: any TestClientProtocol,
        _ fields: [String: String],
        _ body: String = "text",
        path: String = "/notes"
    ) async throws -> TestResponse {
        var headers = HTTPFields()
        for (name, value) in fields { headers[try #require(HTTPField.Name(name))] = value }
        return try await client.execute(uri: path, method: .post, headers: headers, body: ByteBuffer(string: body))
    }

    @Test("R36 a page of the same origin may write without a token, another's may read")
    func origins() async throws {
        try await self.app(CSRF(allowedOrigins: ["https://admin.example"])).test(.router) { client in
            let cookie = try await self.visit(client).cookie
            for fields in [
                ["Sec-Fetch-Site": "same-origin"], ["Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"],
                ["Origin": "http://localhost"],
                ["Sec-Fetch-Site": "cross-site", "Origin": "https://admin.example"],
            ] {
                let response = try await self.post(client, fields.merging(["Cookie": cookie]) { $1 })
                #expect(response.status == .ok, "\(fields)")
                #expect(String(buffer: response.body) == "text")
            }
            for fields in [
                [:], ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"], ["Sec-Fetch-Site": "none"],
                ["Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"], ["Origin": "http://localhost:81"],
                ["Origin": "https://localhost"], ["Origin": "null"], ["Origin": "http://evil.example"],
            ] {
                let response = try await self.post(client, fields.merging(["Cookie": cookie]) { $1 })
                #expect(response.status == .forbidden, "\(fields)")
            }
            let count = try await client.execute(
                uri: "/notes", method: .get, headers: [.cookie: cookie, .origin: "http://evil.example"]
            )
            #expect(String(buffer: count.body) == "4")
        }
    }

    @Test("R36 the token in the header field or the form lets a request pass, and the handler gets the body")
    func tokens() async throws {
        try await self.app(CSRF(.token)).test(.router) { client in
            let (cookie, token) = try await self.visit(client)
            let byField = try await self.post(client, ["Cookie": cookie, "X-CSRF-Token": token])
            #expect(byField.status == .ok)
            let form = ["Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"]
            let escaped = token.utf8.map { "%" + String($0, radix: 16, uppercase: false) }.joined()
            for body in ["csrf_token=\(token)&text=a+b", "text=a+b&csrf%5Ftoken=\(escaped)"] {
                let response = try await self.post(client, form, body)
                #expect(response.status == .ok, "\(body)")
                #expect(String(buffer: response.body) == body)
            }
        }
    }

    @Test("R36 a wrong token, another session's, or one in the wrong place is 403")
    func refusals() async throws {
        try await self.app(CSRF(.token)).test(.router) { client in
            let (cookie, token) = try await self.visit(client)
            let other = try await self.visit(client)
            let form = ["Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"]
            for body in [
                "", "text=a", "csrf_token", "csrf_token=", "csrf_token=\(other.token)", "xcsrf_token=\(token)",
                "csrf_token=x&csrf_token=\(token)", "csrf_token=%zz", "csrf_token=\(token)%0",
            ] {
                #expect(try await self.post(client, form, body).status == .forbidden, "\(body)")
            }
            for fields in [
                ["Cookie": cookie, "X-CSRF-Token": other.token], ["X-CSRF-Token": token],
                ["Cookie": cookie, "Sec-Fetch-Site": "same-origin"],
                ["Cookie": cookie, "Content-Type": "multipart/form-data; boundary=x"],
            ] {
                let response = try await self.post(client, fields, "csrf_token=\(token)")
                #expect(response.status == .forbidden, "\(fields)")
            }
            let count = try await client.execute(uri: "/notes", method: .get, headers: [.cookie: cookie])
            #expect(String(buffer: count.body) == "0")
        }
    }

    @Test("A form above the limit is 413; with the token in the header field its size is the handler's matter")
    func limit() async throws {
        try await self.app(CSRF(.token, formField: "t", maximumFormBytes: 200)).test(.router) { client in
            let (cookie, token) = try await self.visit(client)
            var fields = ["Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"]
            let short = "t=\(token)&text="
            let fitting = short + String(repeating: "x", count: 200 - short.utf8.count)
            #expect(try await self.post(client, fields, fitting).status == .ok)
            #expect(try await self.post(client, fields, fitting + "x").status == .contentTooLarge)
            fields["X-CSRF-Token"] = token
            #expect(try await self.post(client, fields, fitting + "x").status == .ok)
        }
    }

    @Test("R24 a handler that logs in and then throws an HTTPError keeps the new cookie; the old token is dead")
    func errorAfterLogin() async throws {
        try await self.app(CSRF(.token)).test(.router) { client in
            let (cookie, token) = try await self.visit(client)
            let response = try await self.post(client, ["Cookie": cookie, "X-CSRF-Token": token], path: "/login")
            #expect(response.status == .conflict)
            let new = String(try #require(response.headers[.setCookie]).prefix { $0 != ";" })
            #expect(new != cookie)
            let user = try await client.execute(uri: "/user", method: .get, headers: [.cookie: new])
            #expect(String(buffer: user.body) == "ada")
            #expect(try await self.post(client, ["Cookie": new, "X-CSRF-Token": token]).status == .forbidden)
        }
    }
}
#endif
