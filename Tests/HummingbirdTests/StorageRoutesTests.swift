#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import KVStorage
import KVStorageHummingbird
import KVStorageTesting
import NIOCore
import Synchronization
import Testing

@Suite("StorageRoutes")
struct StorageRoutesTests {
    private typealias Context = BasicSessionRequestContext
    private struct Stranger: Error {}

    private func app(
        _ storage: Storage,
        authorize: @escaping @Sendable (StorageAccess, Request, Context) async throws -> Void = { _, _, _ in }
    ) -> some ApplicationProtocol {
        let router = Router(context: Context.self)
        let routes = StorageRoutes(storage, maximumBodyBytes: 1_000, authorize: authorize)
        router.group("v1/:version").addRoutes(routes.routes, atPath: "kv")
        return Application(router: router)
    }

    private func send(
        _ client: any TestClientProtocol,
        _ method: HTTPRequest.Method,
        _ key: String,
        _ fields: HTTPFields = [:],
        body: [UInt8]? = nil
    ) async throws -> TestResponse {
        try await client.execute(
            uri: "/v1/a/kv\(key)", method: method, headers: fields, body: body.map { ByteBuffer(bytes: $0) }
        )
    }

    private func text(_ response: TestResponse) -> String { String(buffer: response.body) }

    @Test("Items are put, read, asked for and deleted, byte for byte")
    func items() async throws {
        let storage = Storage()
        try await self.app(storage).test(.router) { client in
            let missing = try await self.send(client, .get, "/users/ada")
            #expect(missing.status == .notFound)
            let reason = try JSONStorageCodec().decode(
                StorageValue.self, from: Array(missing.body.readableBytesView)
            )
            #expect(reason == ["status": 404, "statusText": "Not Found", "message": "KV value not found"])
            #expect(try await self.send(client, .head, "/users/ada").status == .notFound)

            // What a JavaScript server would read and write anew as 1, {"a":1} and q.
            for value in ["1.0", #"{ "a" : 1 }"#, #""q""#, "9007199254740993", "null", "", "é"] {
                let put = try await self.send(client, .put, "/users/ada", body: Array(value.utf8))
                #expect(put.status == .ok)
                #expect(self.text(put) == "OK")
                let get = try await self.send(client, .get, "/users/ada")
                #expect(self.text(get) == value)
                #expect(get.headers[.contentType] == "text/plain; charset=utf-8")
                #expect(try await storage.getItemRaw("users:ada") == Array(value.utf8))
            }
            let head = try await self.send(client, .head, "/users/ada")
            #expect(head.status == .ok)
            #expect(head.body.readableBytes == 0)
            let written = try #require(head.headers[.lastModified])
            #expect(written.wholeMatch(of: /[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/) != nil)

            for _ in 1...2 {
                let delete = try await self.send(client, .delete, "/users/ada")
                #expect(delete.status == .ok)
                #expect(self.text(delete) == "OK")
            }
            #expect(try await storage.getKeys().isEmpty)
        }
    }

    @Test("What is said of an item is of the write whose bytes are sent, also if there is another in between")
    func writesInBetween() async throws {
        let counting = CountingDriver()
        let driver = PausingDriver(counting)
        let storage = Storage(driver)
        try await storage.setItem("item", "before", ttl: .seconds(500))
        try await self.app(storage).test(.router) { client in
            for moment in [PausingDriver.Moment.before, .after] {
                let pause = driver.pause(moment) { !$0.operation.isWrite }
                _ = counting.reset()
                async let response = self.send(client, .get, "/item")
                await pause.reached()
                try await storage.setItem("item", "\(moment)", ttl: .seconds(moment == .before ? 1000 : 2000))
                pause.resume()
                let get = try await response
                // What was held before reading finds the write, what was held afterwards does not.
                #expect(self.text(get) == "before")
                let ttl = try #require(HTTPField.Name("X-TTL"))
                #expect((900...1000).contains(Int(get.headers[ttl] ?? "") ?? 0), "\(moment)")
                #expect(counting.calls.filter { !$0.operation.isWrite }.count == 1, "one read a request")
            }
        }
    }

    @Test("Bytes that are not text come and go as octets")
    func octets() async throws {
        let storage = Storage()
        let bytes: [UInt8] = [0, 0xFF, 0xC3, 0x28]
        try await self.app(storage).test(.router) { client in
            let type: HTTPFields = [.contentType: "application/octet-stream"]
            #expect(try await self.send(client, .put, "/logo", type, body: bytes).status == .ok)
            try await storage.setItem("motto", "hello")
            for (key, accept, expected) in [
                ("/logo", "application/octet-stream", bytes), ("/logo", "*/*", bytes),
                ("/motto", "text/html, Application/Octet-Stream;q=0.5", Array("hello".utf8)),
            ] {
                let get = try await self.send(client, .get, key, [.accept: accept])
                #expect(get.status == .ok)
                #expect(Array(get.body.readableBytesView) == expected)
                #expect(get.headers[.contentType] == "application/octet-stream")
            }
        }
    }

    @Test(
        "A base lists and clears what is below it, and nothing else",
        arguments: ["/a/", "/a:", "/a%3A", "/a/:", "/a//"])
    func bases(base: String) async throws {
        let storage = Storage()
        try await storage.setItems(["a": "0", "a:b": "1", "a:b:c": "2", "ab": "3"])
        try await self.app(storage).test(.router) { client in
            let list = try await self.send(client, .get, base)
            #expect(list.status == .ok)
            #expect(list.headers[.contentType] == "application/json; charset=utf-8")
            let keys = try JSONStorageCodec().decode([String].self, from: Array(list.body.readableBytesView))
            #expect(keys.sorted() == ["a/b", "a/b/c"])
            for key in keys { #expect(try await self.send(client, .get, "/\(key)").status == .ok) }
            #expect(try await self.send(client, .delete, base).status == .ok)
            #expect(try await storage.getKeys().sorted() == ["a", "ab"])
        }
    }

    @Test("The root lists everything below the storage's own prefix, in keys that can be read back")
    func root() async throws {
        let storage = Storage()
        try await storage.setItems(["public:é:1": "x", "secret": "y"])
        try await self.app(storage.prefixed("public")).test(.router) { client in
            for path in ["", "/", "/:"] {
                let list = try await self.send(client, .get, path)
                #expect(self.text(list) == #"["é/1"]"#, "\(path)")
            }
            #expect(self.text(try await self.send(client, .get, "/%C3%A9/1")) == "x")
            #expect(try await self.send(client, .get, "/../secret").status == .notFound)
            #expect(try await self.send(client, .delete, "/").status == .ok)
            #expect(try await storage.getKeys() == ["secret"])
        }
    }

    @Test("X-TTL sets a lifetime and tells what remains")
    func lifetimes() async throws {
        let clock = ManualClock()
        let storage = Storage(.memory(.init(clock: clock)))
        let ttl = try #require(HTTPField.Name("X-TTL"))
        try await self.app(storage).test(.router) { client in
            #expect(try await self.send(client, .put, "/a", [ttl: "2.5"], body: [0x31]).status == .ok)
            for method in [HTTPRequest.Method.get, .head] {
                let response = try await self.send(client, method, "/a")
                #expect(response.headers[ttl] == "3")
                #expect(response.headers[.cacheControl] == "private, max-age=2")
            }
            clock.advance(by: .milliseconds(2_500))
            #expect(try await self.send(client, .get, "/a").status == .notFound)

            #expect(try await self.send(client, .put, "/b", body: [0x31]).status == .ok)
            let response = try await self.send(client, .get, "/b")
            #expect(response.headers[ttl] == nil)
            #expect(response.headers[.cacheControl] == "private, no-cache")
            for wrong in [
                "0", "-1", "soon", "", "nan", "inf", "1e300", "0x10", "+5", "1e2", ".5", "5.", "1.2.3",
                "\u{0665}",
            ] {
                let put = try await self.send(client, .put, "/c", [ttl: wrong], body: [0x31])
                #expect(put.status == .badRequest, "\(wrong)")
            }
            #expect(try await storage.hasItem("c") == false)
        }
    }

    @Test(
        "Last-Modified is the date as RFC 9110 writes it",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ]
    )
    func dates(seconds: Int64, expected: String) async throws {
        let clock = ManualClock(now: Timestamp(milliseconds: seconds * 1000 + 999))
        let storage = Storage(.memory(.init(clock: clock)))
        try await storage.setItem("a", "1")
        try await self.app(storage).test(.router) { client in
            let response = try await self.send(client, .get, "/a")
            #expect(response.headers[.lastModified] == expected)
        }
    }

    @Test("No answer lets a browser guess what it is")
    func sniffing() async throws {
        let storage = Storage()
        try await storage.setItem("page", "<script>alert(1)</script>")
        try await self.app(storage).test(.router) { client in
            for (method, path) in [
                (HTTPRequest.Method.get, "/page"), (.head, "/page"), (.get, "/"), (.get, "/missing"), (.get, "/a%2"),
                (.put, "/b"), (.delete, "/b"), (.post, "/page"),
            ] {
                let answer = try await self.send(client, method, path, body: [0x31])
                #expect(answer.headers[.xContentTypeOptions] == "nosniff", "\(method) \(path)")
            }
        }
    }

    @Test("Every request is authorised first, with the key that it is then about")
    func authorisation() async throws {
        let seen = Mutex<[StorageAccess]>([])
        let storage = Storage()
        try await storage.setItem("open:a", "1")
        let app = self.app(storage) { access, request, _ in
            seen.withLock { $0.append(access) }
            guard access.kind == .read else { throw HTTPError(.forbidden, message: "read only") }
            if !access.key.hasPrefix("open:") { throw Stranger() }
            if request.headers[.authorization] == "odd" { throw HTTPError(.ok) }
        }
        try await app.test(.router) { client in
            let read = try await self.send(client, .get, "/open/a")
            #expect(read.status == .ok)
            #expect(try await self.send(client, .head, "//open:/a/").status == .ok)
            #expect(try await self.send(client, .get, "/open/").status == .ok)
            #expect(try await self.send(client, .get, "/%6Fpen%2Fa").status == .ok)
            #expect(try await self.send(client, .get, "/open/a", [.authorization: "odd"]).status == .unauthorized)
            let refused = try await self.send(client, .get, "/shut/a")
            #expect(refused.status == .unauthorized)
            #expect(!self.text(refused).contains("Stranger"))
            #expect(try await self.send(client, .put, "/open/b/", body: [0x31]).status == .forbidden)
            #expect(try await self.send(client, .delete, "/open/a").status == .forbidden)
            #expect(try await self.send(client, .delete, "/").status == .forbidden)
            #expect(try await storage.getKeys() == ["open:a"])
        }
        let expected = [
            "open:a", "open:a", "open:", "open:a", "open:a", "shut:a", "write open:b", "write open:a", "write ",
        ]
        #expect(seen.withLock { $0.map { ($0.kind == .write ? "write " : "") + $0.key } } == expected)
        #expect(seen.withLock { $0.map(\.isBase) } == [false, false, true, false, false, false, false, false, true])
    }

    @Test("What can't be is refused with the reason")
    func refusals() async throws {
        let storage = Storage(.readOnly(.memory))
        try await self.app(storage).test(.router) { client in
            for path in ["/a%3Fb", "/a%2", "/%ff", "/a%zz"] {
                #expect(try await self.send(client, .get, path).status == .badRequest, "\(path)")
            }
            let head = try await self.send(client, .head, "/a%2")
            #expect(head.status == .badRequest)
            #expect(head.body.readableBytes == 0)
            #expect(try await self.send(client, .put, "/", body: [0x31]).status == .badRequest)
            #expect(try await self.send(client, .put, "/a$", body: [0x31]).status == .badRequest)
            let long = [UInt8](repeating: 0x31, count: 1_001)
            #expect(try await self.send(client, .put, "/a", body: long).status == .contentTooLarge)
            #expect(try await self.send(client, .put, "/a", body: [0x31]).status == .forbidden)
            for method in [HTTPRequest.Method.post, .patch] {
                let response = try await self.send(client, method, "/a")
                #expect(response.status == .methodNotAllowed)
                #expect(response.headers[.allow] == "GET, HEAD, PUT, DELETE")
            }
            try await storage.dispose()
            let closed = try await self.send(client, .get, "/a")
            #expect(closed.status == .serviceUnavailable)
            #expect(self.text(closed).contains(#""message":"Service Unavailable""#))
        }
    }
}
#endif
