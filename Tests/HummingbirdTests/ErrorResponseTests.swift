#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import KVStorage
import KVStorageHummingbird
import Sessions
import Testing

@Suite("Errors that handlers let through")
struct ErrorResponseTests {
    private struct Visits: Codable, Sendable { var count = 0 }

    private static func config(_ storage: Storage) throws -> SessionConfig<Visits> {
        var options = SessionOptions()
        options.cookie.secure = .never
        let place = SessionPlace.storage(storage, secrets: "a secret of thirty-two bytes, no less")
        return try SessionConfig(in: place, options: options) { Visits() }
    }

    private func app(
        _ log: CapturedLog,
        sessions: Storage?,
        _ handler: @escaping @Sendable (BasicSessionRequestContext) async throws -> String
    ) throws -> some ApplicationProtocol {
        let router = Router(context: BasicSessionRequestContext.self)
        if let sessions { router.add(middleware: SessionMiddleware(try Self.config(sessions))) }
        router.get("page") { _, context in try await handler(context) }
        return Application(router: router, logger: log.logger)
    }

    @Test(
        "A storage that fails under a handler is an error in the log, with or without sessions",
        arguments: [true, false])
    func storage(hasSessions: Bool) async throws {
        let storage = Storage()
        try await storage.dispose()
        let log = CapturedLog()
        let app = try self.app(log, sessions: hasSessions ? Storage() : nil) { context in
            if hasSessions { try await updateSession(context.event, as: Visits.self) { $0.count += 1 } }
            return try await storage.getItem("private:key", as: String.self) ?? ""
        }
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/page", method: .get)
            #expect(response.status == .serviceUnavailable)
            #expect(!String(buffer: response.body).contains("private"))
            #expect((response.headers[.setCookie] != nil) == hasSessions)
        }
        #expect(log.errors.count == 1)
        #expect(log.errors.first?.contains("closed") == true)
    }

    @Test(
        "The status says what kind of failure it is, and the client learns no more",
        arguments: [
            (StorageError.Code.full, 507), (.conflict, 409), (.timeout, 503), (.invalidKey, 500), (.decoding, 500),
        ])
    func statuses(code: StorageError.Code, status: Int) async throws {
        let log = CapturedLog()
        let app = try self.app(log, sessions: nil) { _ in throw StorageError(code, "not for the client", key: "k") }
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/page", method: .get)
            #expect(response.status.code == status)
            #expect(response.body.readableBytes == 0)
        }
        #expect(log.errors.count == 1)
    }

    @Test("A session storage that fails is an error in the log; a session that is gone is none")
    func sessions() async throws {
        let storage = Storage()
        let log = CapturedLog()
        let app = try self.app(log, sessions: storage) { context in
            try await updateSession(context.event, as: Visits.self) { $0.count += 1 }
            try await destroySession(context.event)
            try await updateSession(context.event, as: Visits.self) { $0.count += 1 }
            return ""
        }
        try await app.test(.router) { client in
            #expect(try await client.execute(uri: "/page", method: .get).status == .unauthorized)
            #expect(log.errors.isEmpty)
            try await storage.dispose()
            #expect(try await client.execute(uri: "/page", method: .get).status == .serviceUnavailable)
            #expect(log.errors.count == 1)
        }
    }

    @Test(
        "A visitor reads no names of types, fields or functions, whatever went wrong; the log has them",
        arguments: [
            (SessionError.Code.gone, 401, "Please log in again"), (.reauthenticationRequired, 401, "log in again"),
            (.forbidden, 403, "out of date"), (.conflict, 409, "try again"), (.tooLarge, 413, "no room"),
            (.notAuthenticated, 401, "log in first"), (.authenticationTooOld, 401, "log in again"),
            (.outcomeUnknown, 503, nil), (.headSent, 500, nil), (.typeMismatch, 500, nil), (.notStarted, 500, nil),
            (.invalidConfiguration, 500, nil),
            (.encoding, 500, nil), (.storage, 503, nil), (.noAddress, 500, nil), (.notSupported, 500, nil),
        ] as [(SessionError.Code, Int, String?)], [true, false])
    func texts(_ error: (code: SessionError.Code, status: Int, text: String?), hasSessions: Bool) async throws {
        let log = CapturedLog()
        let app = try self.app(log, sessions: hasSessions ? Storage() : nil) { _ in
            throw SessionError(error.code, "the session sid holds Visits; call useSession first")
        }
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/page", method: .get)
            #expect(response.status.code == error.status)
            let text = String(buffer: response.body)
            #expect(!text.contains("Visits") && !text.contains("useSession"))
            if let expected = error.text { #expect(text.contains(expected)) } else { #expect(text.isEmpty) }
        }
        #expect(log.errors.allSatisfy { $0.contains("holds Visits") })
        #expect(log.errors.count == (error.status >= 500 ? 1 : 0))
    }

    @Test("The application may answer the error of a session call itself, and the session's fields come along")
    func handler() async throws {
        let router = Router(context: BasicSessionRequestContext.self)
        router.add(
            middleware: SessionMiddleware(try Self.config(Storage())) { error, request, _ in
                guard error.code == .gone else { return nil }
                return .redirect(to: "/login?from=\(request.uri.path)")
            })
        router.get("gone") { _, context -> String in
            try await updateSession(context.event, as: Visits.self) { $0.count += 1 }
            throw SessionError(.gone, "ended")
        }
        router.get("other") { _, _ -> String in throw SessionError(.conflict, "again") }
        try await Application(router: router).test(.router) { client in
            let gone = try await client.execute(uri: "/gone", method: .get)
            #expect(gone.status == .seeOther)
            #expect(gone.headers[.location] == "/login?from=/gone")
            #expect(gone.headers[.setCookie]?.hasPrefix("sid=") == true)
            #expect(try await client.execute(uri: "/other", method: .get).status == .conflict)
        }
    }

    @Test("A handler whose router lacks the middleware says so in the log")
    func noMiddleware() async throws {
        let log = CapturedLog()
        let app = try self.app(log, sessions: nil) { context in
            "\(try await getSession(context.event, as: Visits.self)?.count ?? 0)"
        }
        try await app.test(.router) { client in
            let response = try await client.execute(uri: "/page", method: .get)
            #expect(response.status == .internalServerError)
        }
        #expect(log.errors.first?.contains("no SessionMiddleware stands before this handler") == true)
    }
}
#endif
