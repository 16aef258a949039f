#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import KVStorage
import KVStorageHummingbird
import NIOCore
import Sessions
import Testing

@Suite("SessionRoutes")
struct SessionRoutesTests {
    private struct Profile: Codable, Sendable {
        var theme = "light"
        var volume: Int? = 5
        var isAdmin = false
    }

    private static let all = Set(SessionEndpoints.Method.allCases)
    private static let path = "/api/session"

    private func app(
        _ storage: Storage = Storage(),
        methods: Set<SessionEndpoints.Method> = Self.all
    ) throws -> some ApplicationProtocol {
        var options = SessionOptions()
        options.cookie.secure = .never
        let place = SessionPlace.storage(storage, secrets: "a secret of thirty-two bytes, no less")
        let sessions = try SessionConfig(in: place, options: options) { Profile() }
        let endpoints = SessionEndpoints(methods: methods, writable: ["theme", "volume"], maximumBodyBytes: 100)
        let router = Router(context: BasicSessionRequestContext.self)
        router.add(middleware: SessionMiddleware(sessions))
        router.addRoutes(SessionRoutes(of: Profile.self, endpoints).routes, atPath: RouterPath(Self.path))
        return Application(router: router)
    }

    private func send(
        _ client: any TestClientProtocol,
        _ method: HTTPRequest.Method,
        _ body: String? = nil,
        cookie: String? = nil,
        site: String = "same-origin"
    ) async throws -> TestResponse {
        var fields: HTTPFields = [.contentType: "application/json", try #require(.init("Sec-Fetch-Site")): site]
        fields[.cookie] = cookie
        return try await client.execute(
            uri: Self.path, method: method, headers: fields, body: body.map { ByteBuffer(string: $0) }
        )
    }

    private func cookie(_ response: TestResponse) throws -> String {
        String(try #require(response.headers[.setCookie]).prefix { $0 != ";" })
    }

    private func json(_ response: TestResponse) throws -> StorageValue {
        try JSONStorageCodec().decode(StorageValue.self, from: Array(response.body.readableBytesView))
    }

    @Test("A script reads, merges, replaces and ends the session, and never sees its ID")
    func methods() async throws {
        try await self.app().test(.router) { client in
            let empty = try await self.send(client, .get)
            #expect(empty.status == .ok)
            #expect(String(buffer: empty.body) == "null")
            #expect(empty.headers[.setCookie] == nil)
            #expect(empty.headers[.cacheControl] == "no-store")

            let created = try await self.send(client, .patch, #"{"theme":"dark"}"#)
            #expect(try self.json(created) == ["theme": "dark", "volume": 5, "isAdmin": false])
            let cookie = try self.cookie(created)
            #expect(!String(buffer: created.body).contains(cookie.dropFirst(10).prefix(20)))

            let replaced = try await self.send(client, .post, #"{"theme":"red"}"#, cookie: cookie)
            #expect(try self.json(replaced) == ["theme": "red", "isAdmin": false])
            #expect(replaced.headers[.setCookie] == nil)

            let head = try await self.send(client, .head, cookie: cookie)
            #expect(head.status == .ok)
            #expect(head.body.readableBytes == 0)

            let ended = try await self.send(client, .delete, cookie: cookie)
            #expect(ended.status == .noContent)
            #expect(try #require(ended.headers[.setCookie]).contains("Max-Age=0"))
            #expect(ended.headers[.contentLength] == nil)
            let after = try await self.send(client, .get, cookie: cookie)
            #expect(String(buffer: after.body) == "null")
        }
    }

    @Test("What is refused changes nothing and says why in JSON")
    func refusals() async throws {
        try await self.app().test(.router) { client in
            let cookie = try self.cookie(try await self.send(client, .patch, #"{"theme":"dark"}"#))
            let long = #"{"theme":""# + String(repeating: "x", count: 100) + #""}"#
            for (body, status, error) in [
                (#"{"isAdmin":true}"#, 400, "not_writable"), (#"{"theme":5}"#, 400, "bad_request"),
                ("[1]", 400, "bad_request"), ("{", 400, "bad_request"), (long, 413, "too_large"),
            ] {
                for method in [HTTPRequest.Method.patch, .post] {
                    let response = try await self.send(client, method, body, cookie: cookie)
                    #expect(response.status.code == status, "\(method) \(body)")
                    #expect(String(buffer: response.body).hasPrefix(#"{"error":"\#(error)","#))
                    #expect(response.headers[.contentType] == "application/json")
                }
            }
            for method in [HTTPRequest.Method.patch, .post, .delete] {
                let response = try await self.send(client, method, "{}", cookie: cookie, site: "cross-site")
                #expect(response.status == .forbidden)
                #expect(response.headers[.setCookie] == nil)
            }
            let value = try self.json(try await self.send(client, .get, cookie: cookie))
            #expect(value == ["theme": "dark", "volume": 5, "isAdmin": false])
        }
    }

    @Test("A method that is not enabled is 405 with those that are; none at all means no route")
    func selection() async throws {
        try await self.app(methods: [.get, .patch]).test(.router) { client in
            for method in [HTTPRequest.Method.post, .delete, .put, .trace] {
                let response = try await self.send(client, method, "{}")
                #expect(response.status == .methodNotAllowed)
                #expect(response.headers[.allow] == "GET, HEAD, OPTIONS, PATCH")
            }
            let options = try await self.send(client, .options)
            #expect(options.status == .noContent)
            #expect(options.headers[.allow] == "GET, HEAD, OPTIONS, PATCH")
            #expect(try await self.send(client, .get).status == .ok)
        }
        try await self.app(methods: []).test(.router) { client in
            for path in [Self.path, "\(Self.path)/client.js", "\(Self.path)/client.d.ts"] {
                let response = try await client.execute(uri: path, method: .get)
                #expect(response.status == .notFound)
            }
        }
    }

    @Test("A storage that fails is 503, not an empty session")
    func storageFails() async throws {
        let storage = Storage()
        try await self.app(storage).test(.router) { client in
            let cookie = try self.cookie(try await self.send(client, .patch, "{}"))
            try await storage.dispose()
            let response = try await self.send(client, .get, cookie: cookie)
            #expect(response.status == .serviceUnavailable)
            #expect(response.headers[.setCookie] == nil)
        }
    }

    @Test("The client is served with the enabled methods, and again only if it changed")
    func client() async throws {
        try await self.app(methods: [.patch, .get]).test(.router) { client in
            let module = try await client.execute(uri: "\(Self.path)/client.js", method: .get)
            #expect(module.status == .ok)
            #expect(module.headers[.contentType] == "text/javascript; charset=utf-8")
            #expect(module.headers[.cacheControl] == "no-cache")
            #expect(module.headers[.setCookie] == nil)
            let source = String(buffer: module.body)
            #expect(source.hasPrefix("const servedWith = { methods: [\"GET\", \"PATCH\"] };\n"))
            #expect(source.contains("export async function useSession("))

            let tag = try #require(module.headers[.eTag])
            for known in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let again = try await client.execute(
                    uri: "\(Self.path)/client.js", method: .get, headers: [.ifNoneMatch: known]
                )
                #expect(again.status == .notModified)
                #expect(again.body.readableBytes == 0)
                #expect(again.headers[.eTag] == tag)
            }
            let other = try await client.execute(
                uri: "\(Self.path)/client.js", method: .get, headers: [.ifNoneMatch: "\"other\""]
            )
            #expect(other.status == .ok)

            let head = try await client.execute(uri: "\(Self.path)/client.js", method: .head)
            #expect(head.body.readableBytes == 0)
            #expect(head.headers[.contentLength] == "\(module.body.readableBytes)")

            let types = try await client.execute(uri: "\(Self.path)/client.d.ts", method: .get)
            #expect(types.headers[.contentType] == "application/typescript; charset=utf-8")
            #expect(String(buffer: types.body).contains("export function useSession<"))
        }
    }
}
#endif
