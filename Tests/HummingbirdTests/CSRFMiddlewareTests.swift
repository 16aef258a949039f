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

    @Test("R36 in report-only mode a storage that fails is the handler's matter")
    func reportOnlyWithoutStorage() async throws {
        let log = CapturedLog()
        let storage = Storage()
        let app = try self.app(CSRF(.token, enforcement: .reportOnly), storage: storage, log: log)
        try await app.test(.router) { client in
            let (cookie, token) = try await self.visit(client)
            try await storage.dispose()
            let fields = ["Cookie": cookie, "X-CSRF-Token": token]
            #expect(try await self.post(client, fields, path: "/nothing").status == .ok)
            #expect(log.warnings.count == 1)
        }
    }

    private func app(
        _ csrf: CSRF,
        storage: Storage = Storage(),
        log: CapturedLog? = nil
    ) throws -> some ApplicationProtocol {
        var options = SessionOptions()
        options.cookie.secure = .never
        let place = SessionPlace.storage(storage, secrets: "a secret of thirty-two bytes, no less")
        let sessions = try SessionConfig(in: place, options: options) { Account() }
        let router = Router(context: BasicSessionRequestContext.self)
        router.add(middleware: SessionMiddleware(sessions))
        router.add(middleware: csrf)
        router.get("form") { _, context in try await csrfToken(context.event) }
        router.get("start") { _, context in
            try await updateSession(context.event, as: Account.self) { $0.notes = [] }
            return ""
        }
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
        router.post("nothing") { _, _ in "" }
        router.get("user") { _, context in try await sessionInfo(context.event)?.user ?? "nobody" }
        guard let log else { return Application(router: router) }
        return Application(router: router, logger: log.logger)
    }

    /// A visitor who has a session and the form: the cookie and the token.
    private func visit(_ client: any TestClientProtocol) async throws -> (cookie: String, token: String) {
        let start = try await client.execute(uri: "/start", method: .get)
        let cookie = String(try #require(start.headers[.setCookie]).prefix { $0 != ";" })
        let form = try await client.execute(uri: "/form", method: .get, headers: [.cookie: cookie])
        return (cookie, String(buffer: form.body))
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

    @Test("R36 a login form works for a visitor without a session, and the page with it stores nothing")
    func anonymous() async throws {
        let storage = Storage()
        try await self.app(CSRF(.token), storage: storage).test(.router) { client in
            let page = try await client.execute(uri: "/form", method: .get)
            let token = String(buffer: page.body)
            let cookie = String(try #require(page.headers[.setCookie]).prefix { $0 != ";" })
            #expect(cookie.hasPrefix("sid-csrf="))
            #expect(try await storage.getKeys().isEmpty)
            let form = ["Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"]
            #expect(try await self.post(client, form, "csrf_token=x", path: "/login").status == .forbidden)
            #expect(try await self.post(client, form, "csrf_token=\(token)", path: "/login").status == .conflict)
            #expect(try await !storage.getKeys().isEmpty)
        }
    }

    @Test("R36 the application answers a form that was open over a login, and only that one")
    func staleForm() async throws {
        let csrf = CSRF(.token) { failure, _, _ in
            guard failure.isStale else { return nil }
            return .redirect(to: failure.formPath ?? "/")
        }
        try await self.app(csrf).test(.router) { client in
            let (cookie, token) = try await self.visit(client)
            let fields = ["Cookie": cookie, "X-CSRF-Token": token, "Sec-Fetch-Site": "same-origin"]
            let login = try await self.post(client, fields, path: "/login")
            let new = String(try #require(login.headers[.setCookie]).prefix { $0 != ";" })
            for (referer, location) in [
                ("http://localhost/login?from=%2Fa", "/login?from=%2Fa"), ("http://localhost/a#b", "/a"), (nil, "/"),
                ("http://localhost//evil.example/", "/"), ("http://localhost/\\evil.example", "/"),
                ("http://localhost", "/"), ("http://localhost.evil.example/a", "/"), ("https://localhost/a", "/"),
                ("http://localhost/a b", "/"), ("/a", "/"),
            ] {
                var again = fields.merging(["Cookie": new]) { $1 }
                again["Referer"] = referer
                let answer = try await self.post(client, again, path: "/notes")
                #expect(answer.status == .seeOther, "\(referer ?? "-")")
                #expect(answer.headers[.location] == location, "\(referer ?? "-")")
                #expect(try #require(answer.headers[.vary]).contains("Sec-Fetch-Site, Origin"))
            }
            for site in ["cross-site", "same-site", "none", nil] {
                var forged = fields.merging(["Cookie": new, "Referer": "http://localhost/a"]) { $1 }
                forged["Sec-Fetch-Site"] = site
                #expect(try await self.post(client, forged).status == .forbidden, "\(site ?? "-")")
            }
            let count = try await client.execute(uri: "/notes", method: .get, headers: [.cookie: new])
            #expect(String(buffer: count.body) == "0")
        }
    }

    @Test("R36 in report-only mode everything passes, and what would be refused is in the log")
    func reportOnly() async throws {
        let log = CapturedLog()
        let app = try self.app(CSRF(enforcement: .reportOnly, maximumFormBytes: 200), log: log)
        try await app.test(.router) { client in
            let (cookie, token) = try await self.visit(client)
            let form = ["Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"]
            let good = "csrf_token=\(token)&text=a"
            let sized = form.merging(["Content-Length": "\(good.utf8.count)"]) { $1 }
            #expect(try await self.post(client, sized, good).status == .ok)
            #expect(log.warnings.isEmpty)
            let long = "csrf_token=\(token)&text=" + String(repeating: "x", count: 300)
            for (fields, body) in [
                (form.merging(["Content-Length": "\(long.utf8.count)"]) { $1 }, long),
                (["Cookie": cookie, "Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"], "text"),
            ] {
                let response = try await self.post(client, fields, body, path: "/notes?secret=x")
                #expect(response.status == .ok)
                #expect(String(buffer: response.body) == body)
            }
            #expect(log.warnings.count == 2)
            let last = try #require(log.warnings.last)
            #expect(last.contains("method=POST") && last.contains("path=/notes"))
            #expect(last.contains("sec-fetch-site=cross-site") && last.contains("origin=http://evil.example"))
            #expect(!last.contains("secret"))
        }
    }

    @Test("R23 R36 an answer that Sec-Fetch-Site or Origin decided varies by them, a page that was read does not")
    func vary() async throws {
        try await self.app(CSRF()).test(.router) { client in
            let (cookie, _) = try await self.visit(client)
            for site in ["same-origin", "cross-site"] {
                let answer = try await self.post(client, ["Cookie": cookie, "Sec-Fetch-Site": site])
                #expect(try #require(answer.headers[.vary]).contains("Sec-Fetch-Site, Origin"), "\(site)")
            }
            let page = try await client.execute(uri: "/user", method: .get, headers: [.cookie: cookie])
            #expect(page.headers[.vary] == "Cookie")
        }
    }

    @Test("What a visitor is told of a refusal names neither fields nor functions")
    func text() async throws {
        try await self.app(CSRF()).test(.router) { client in
            let text = String(buffer: try await self.post(client, [:]).body)
            #expect(text.contains("This page is out of date."))
            #expect(!text.contains("csrf") && !text.contains("CSRF"))
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
