#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import KVStorage
import KVStorageHummingbird
import NIOCore
import Sessions
import Testing

/// The README's code for Hummingbird, with what it does.
@Suite struct HummingbirdSnippets {
    struct Visits: Codable, Sendable {
        var count = 0
        var theme: String?
    }

    private func isRight(_ name: String, _ password: String) async throws -> Bool {
        name == "ada" && password == "secret"
    }

    private func makeRouter(
        _ storage: Storage,
        _ sessions: SessionConfig<Visits>
    ) -> Router<FormSessionRequestContext> {
        // README: begin
        struct LoginForm: Decodable {
            var name: String
            var password: String
        }

        let router = Router(context: FormSessionRequestContext.self)  // its request.decode reads forms and JSON
        router.add(middleware: SessionMiddleware(sessions))
        router.add(middleware: CSRFMiddleware())  // writes need this origin or the session's token

        router.get("login") { _, context in
            let token = try await csrfToken(context.event)  // stores nothing for a visitor without a session
            let page = """
                <form method="post">
                <input type="hidden" name="csrf_token" value="\(token)">
                <input name="name"> <input name="password" type="password"> <button>Log in</button>
                </form>
                """
            return Response(
                status: .ok,
                headers: [.contentType: "text/html; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page))
            )
        }
        router.post("login") { request, context in
            let form = try await request.decode(as: LoginForm.self, context: context)
            guard try await isRight(form.name, form.password) else { throw HTTPError(.unauthorized) }  // yours
            try await authenticateSession(context.event, user: form.name)  // a new ID, bound to the user
            return Response.redirect(to: "/")
        }
        router.post("logout") { _, context in
            try await destroySession(context.event)
            return Response.redirect(to: "/")
        }

        let endpoints = SessionEndpoints(methods: [.get, .patch], writable: ["theme"])
        router.addRoutes(SessionRoutes(of: Visits.self, endpoints).routes, atPath: "/api/session")  // and its client.js

        let open = StorageRoutes<FormSessionRequestContext>(storage.prefixed("public")) { access, request, context in
            guard access.kind == .read else { throw HTTPError(.forbidden) }
        }
        router.addRoutes(open.routes, atPath: "/storage")  // unstorage's HTTP protocol
        // README: end
        router.get("user") { _, context in try await sessionInfo(context.event)?.user ?? "nobody" }
        return router
    }

    @Test func loggingInAndOut() async throws {
        let storage = Storage()
        try await storage.setItem("public:motto", "festina lente")
        var options = SessionOptions()
        options.cookie.secure = .never
        let place = SessionPlace.storage(
            storage.prefixed("sessions"), secrets: "a secret of at least thirty-two bytes")
        let sessions = try SessionConfig(in: place, options: options) { Visits() }
        let app = Application(router: self.makeRouter(storage, sessions))
        try await app.test(.router) { client in
            let form = ByteBuffer(string: "name=ada&password=secret")
            var origin: HTTPFields = [.origin: "http://localhost"]
            let type = "application/x-www-form-urlencoded"
            let fieldsOfForm: HTTPFields = [.contentType: type]
            let forged = try await client.execute(uri: "/login", method: .post, headers: fieldsOfForm, body: form)
            #expect(forged.status == .forbidden)
            let page = try await client.execute(uri: "/login", method: .get)
            let html = String(buffer: page.body)
            let token = try #require(html.firstMatch(of: /value="([^"]+)"/)?.1)
            var withToken = fieldsOfForm
            withToken[.cookie] = String(try #require(page.headers[.setCookie]).prefix { $0 != ";" })
            let byToken = try await client.execute(
                uri: "/login", method: .post, headers: withToken,
                body: ByteBuffer(string: "csrf_token=\(token)&name=ada&password=secret"))
            #expect(byToken.status == .seeOther)
            origin[.contentType] = type
            let wrong = try await client.execute(
                uri: "/login", method: .post, headers: origin, body: ByteBuffer(string: "name=ada&password=x"))
            #expect(wrong.status == .unauthorized)
            let login = try await client.execute(uri: "/login", method: .post, headers: origin, body: form)
            #expect(login.status == .seeOther)
            var fields = origin
            fields[.cookie] = String(try #require(login.headers[.setCookie]).prefix { $0 != ";" })
            fields[.contentType] = "application/json"

            let user = try await client.execute(uri: "/user", method: .get, headers: fields)
            #expect(String(buffer: user.body) == "ada")
            let change = try await client.execute(
                uri: "/api/session", method: .patch, headers: fields, body: ByteBuffer(string: #"{"theme":"dark"}"#)
            )
            #expect(change.status == .ok)
            #expect(String(buffer: change.body).contains(#""theme":"dark""#))
            let item = try await client.execute(uri: "/storage/motto", method: .get)
            #expect(String(buffer: item.body) == "festina lente")
            let write = try await client.execute(uri: "/storage/motto", method: .put, headers: origin, body: form)
            #expect(write.status == .forbidden)

            _ = try await client.execute(uri: "/logout", method: .post, headers: fields)
            let after = try await client.execute(uri: "/user", method: .get, headers: fields)
            #expect(String(buffer: after.body) == "nobody")
        }
    }
}
#endif
