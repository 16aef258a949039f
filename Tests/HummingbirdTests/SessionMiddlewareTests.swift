#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import KVStorage
import KVStorageHummingbird
import KVStorageTesting
import Sessions
import Testing

@Suite("SessionMiddleware")
struct SessionMiddlewareTests {
    private struct Visits: Codable, Sendable { var count = 0 }
    private struct Cart: Codable, Sendable { var items: [String] = [] }
    private struct Breakage: Error {}
    private struct Teapot: HTTPResponseError {
        var status: HTTPResponse.Status { HTTPResponse.Status(code: 418) }
        func response(from request: Request, context: some RequestContext) throws -> Response {
            Response(status: self.status, headers: [.allow: "tea"])
        }
    }

    private static let secret = "a secret of thirty-two bytes, no less"

    private static var options: SessionOptions {
        var options = SessionOptions()
        options.cookie.secure = .never
        return options
    }

    private func config(_ storage: Storage, name: String = "sid") throws -> SessionConfig<Visits> {
        try SessionConfig(in: .storage(storage, secrets: [Self.secret]), name: name, options: Self.options) { Visits() }
    }

    private func router(_ storage: Storage) throws -> Router<BasicSessionRequestContext> {
        let router = Router(context: BasicSessionRequestContext.self)
        router.add(middleware: SessionMiddleware(try self.config(storage)))
        router.get("count") { _, context in
            try await updateSession(context.event, as: Visits.self) { visits in
                visits.count += 1
                return "\(visits.count)"
            }
        }
        router.get("peek") { _, context in
            "\(try await getSession(context.event, as: Visits.self)?.count ?? 0)"
        }
        router.get("static") { _, _ in "nothing" }
        router.get("teapot") { _, context -> String in
            try await updateSession(context.event, as: Visits.self) { $0.count = 100 }
            throw Teapot()
        }
        router.get("refused") { _, context -> String in
            try await updateSession(context.event, as: Visits.self) { $0.count = 100 }
            throw HTTPError(.badRequest, message: "no")
        }
        router.get("broken") { _, context -> String in
            try await destroySession(context.event)
            throw Breakage()
        }
        return router
    }

    private func cookie(of response: TestResponse) throws -> String {
        String(try #require(response.headers[.setCookie]).prefix { $0 != ";" })
    }

    @Test("A session goes on over requests, and only a changed cookie is sent")
    func counting() async throws {
        let app = Application(router: try self.router(Storage()))
        try await app.test(.router) { client in
            let first = try await client.execute(uri: "/count", method: .get)
            #expect(String(buffer: first.body) == "1")
            let cookie = try self.cookie(of: first)
            let second = try await client.execute(uri: "/count", method: .get, headers: [.cookie: cookie])
            #expect(String(buffer: second.body) == "2")
            #expect(second.headers[.setCookie] == nil)
            let peek = try await client.execute(uri: "/peek", method: .get, headers: [.cookie: cookie])
            #expect(String(buffer: peek.body) == "2")
        }
    }

    @Test("A request that touches no session makes no storage call and gets no cookie")
    func untouched() async throws {
        let storage = Storage()
        let app = Application(router: try self.router(storage))
        try await storage.dispose()
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/static", method: .get)
            #expect(response.status == .ok)
            #expect(response.headers[.setCookie] == nil)
        }
    }

    @Test(
        "R24 what a handler did before it threw is saved, and its cookie is sent", arguments: ["/refused", "/teapot"])
    func errors(path: String) async throws {
        let app = Application(router: try self.router(Storage()))
        try await app.test(.router) { client in
            let response = try await client.execute(uri: path, method: .get)
            #expect(response.status.code == (path == "/teapot" ? 418 : 400))
            #expect((response.headers[.allow] == "tea") == (path == "/teapot"))
            let cookie = try self.cookie(of: response)
            let peek = try await client.execute(uri: "/peek", method: .get, headers: [.cookie: cookie])
            #expect(String(buffer: peek.body) == "100")
        }
    }

    @Test("R24 a logout is told to the browser even if the handler breaks afterwards")
    func logoutThenBreakage() async throws {
        let app = Application(router: try self.router(Storage()))
        try await app.test(.router) { client in
            let cookie = try self.cookie(of: try await client.execute(uri: "/count", method: .get))
            let response = try await client.execute(uri: "/broken", method: .get, headers: [.cookie: cookie])
            #expect(response.status == .internalServerError)
            #expect(try #require(response.headers[.setCookie]).contains("Max-Age=0"))
            let peek = try await client.execute(uri: "/peek", method: .get, headers: [.cookie: cookie])
            #expect(String(buffer: peek.body) == "0")
        }
    }

    @Test("A storage that fails is not an empty session: 503")
    func storageFails() async throws {
        let storage = Storage()
        let app = Application(router: try self.router(storage))
        try await storage.dispose()
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/count", method: .get)
            #expect(response.status == .serviceUnavailable)
            #expect(response.headers[.setCookie] == nil)
        }
    }

    @Test("Two sessions live beside each other, by one middleware or by two", arguments: [true, false])
    func two(together: Bool) async throws {
        let storage = Storage()
        let visits = try self.config(storage.prefixed("visits"))
        let carts = try SessionConfig(
            in: .storage(storage.prefixed("carts"), secrets: [Self.secret]), name: "cart", options: Self.options
        ) { Cart() }
        let router = Router(context: BasicSessionRequestContext.self)
        if together {
            router.add(middleware: SessionMiddleware(visits, carts))
        } else {
            router.add(middleware: SessionMiddleware(visits))
            router.add(middleware: SessionMiddleware(carts))
        }
        router.get("both") { _, context in
            try await updateSession(context.event, as: Visits.self, name: "sid") { $0.count += 1 }
            return try await updateSession(context.event, as: Cart.self, name: "cart") { cart in
                cart.items.append("tea")
                return "\(cart.items.count)"
            }
        }
        let app = Application(router: router)
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/both", method: .get)
            let cookies = response.headers[values: .setCookie].map { $0.prefix { $0 != ";" } }
            #expect(cookies.count == 2)
            let again = try await client.execute(
                uri: "/both", method: .get, headers: [.cookie: cookies.joined(separator: "; ")]
            )
            #expect(String(buffer: again.body) == "2")
        }
    }

    @Test("A handler without the middleware is told what is missing")
    func missing() async throws {
        let router = Router(context: BasicSessionRequestContext.self)
        router.get("lost") { _, context -> String in
            do throws(SessionError) {
                _ = try context.event
                return "found"
            } catch {
                return "\(error.code)"
            }
        }
        try await Application(router: router).test(.router) { client in
            let response = try await client.execute(uri: "/lost", method: .get)
            #expect(String(buffer: response.body) == "notStarted")
        }
    }
}
#endif
