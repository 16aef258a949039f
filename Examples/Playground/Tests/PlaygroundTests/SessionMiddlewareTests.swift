import HTTPTypes
import Hummingbird
import KVStorage
import Logging
import NIOEmbedded
import Sessions
import Testing

@testable import Playground

@Suite struct SessionMiddlewareTests {
    private struct Breakage: Error {}

    /// Runs a handler behind the middleware.
    private func run(
        storage: Storage = Storage(),
        _ handler: @concurrent @Sendable (Request, PlaygroundContext) async throws -> Response
    ) async throws -> Response {
        let sessions = try SessionConfig(store: storage, secret: SecretFile.makeSecret()) { Visitor() }
        let head = HTTPRequest(method: .get, scheme: "http", authority: "127.0.0.1:3000", path: "/")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await SessionMiddleware(sessions).handle(
            Request(head: head, body: RequestBody(buffer: ByteBuffer())),
            context: PlaygroundContext(source: .init(channel: NIOAsyncTestingChannel(), logger: logger)),
            next: handler
        )
    }

    @Test func theResponseCarriesTheCookie() async throws {
        let response = try await self.run { _, context in
            try await updateSession(context.requireEvent(), as: Visitor.self) { $0.visits += 1 }
            return Response(status: .ok)
        }
        #expect(try #require(response.headers[.setCookie]).hasPrefix("sid="))
    }

    @Test func soDoesAnErrorThatIsThrownAfterwards() async throws {
        let error = await #expect(throws: HTTPError.self) {
            try await self.run { _, context in
                try await updateSession(context.requireEvent(), as: Visitor.self) { $0.visits += 1 }
                throw HTTPError(.badRequest, message: "no")
            }
        }
        #expect(error?.status == .badRequest)
        #expect(error?.body == "no")
        #expect(error?.headers[.setCookie] != nil)
    }

    @Test func anythingElseThatIsThrownIsNobodysBusiness() async throws {
        let error = await #expect(throws: HTTPError.self) { try await self.run { _, _ in throw Breakage() } }
        #expect(error?.status == .internalServerError)
        #expect(error?.body == nil)
    }

    @Test func storageThatFailsIsSaidToFail() async throws {
        let storage = Storage()
        try await storage.dispose()
        let error = await #expect(throws: HTTPError.self) {
            try await self.run(storage: storage) { _, context in
                try await updateSession(context.requireEvent(), as: Visitor.self) { $0.visits += 1 }
                return Response(status: .ok)
            }
        }
        #expect(error?.status == .serviceUnavailable)
        #expect(error?.headers[.setCookie] == nil)
    }

    @Test func aRequestThatTouchesNoSessionGetsNone() async throws {
        let storage = Storage()
        let response = try await self.run(storage: storage) { _, _ in Response(status: .ok) }
        #expect(response.headers[.setCookie] == nil)
        #expect(try await storage.getKeys().isEmpty)
    }
}
