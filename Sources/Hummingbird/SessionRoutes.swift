#if HummingbirdSupport
public import Hummingbird
import HTTPTypes
import NIOCore
public import Sessions

/// The session's endpoints for scripts in the browser, and the client to use them with, as routes.
///
///     let endpoints = SessionEndpoints(methods: [.get, .patch], writable: ["colour"])
///     router.add(middleware: SessionMiddleware(sessions))
///     router.addRoutes(SessionRoutes(of: Visitor.self, endpoints).routes, atPath: "/api/session")
///
/// A page then says
///
///     import { useSession } from "/api/session/client.js";
///     const { session, update } = await useSession();
///
/// The path itself answers as `sessionEndpoint(_:body:as:_:)` promises: what is not named in the endpoints is refused, with
/// 405 and `Allow` if it is a method; `OPTIONS` is answered by `Allow` alone, so that pages of other origins need a CORS middleware
/// before the routes. Without any method there are no routes, and the path is the router's to answer. Below
/// it stand `client.js`, which knows the methods, and its declarations `client.d.ts`. A ``SessionMiddleware`` has to stand
/// before the routes. They check for themselves where a write comes from and need no ``CSRFMiddleware``.
public struct SessionRoutes<Value: Codable & Sendable, Context: SessionRequestContext>: Sendable {
    private let endpoints: SessionEndpoints

    /// Creates the routes.
    ///
    /// - Parameters:
    ///   - type: The session's type.
    ///   - endpoints: What is allowed; nothing that it does not name.
    public init(of type: Value.Type, _ endpoints: SessionEndpoints) {
        self.endpoints = endpoints
    }

    /// The routes, for `addRoutes(_:atPath:)`.
    public var routes: RouteCollection<Context> {
        let routes = RouteCollection(context: Context.self)
        guard !self.endpoints.methods.isEmpty else { return routes }
        let endpoints = self.endpoints
        for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options, .trace] {
            routes.on("", method: method) { request, context in
                try await Self.answer(request, context, endpoints)
            }
        }
        for file in [endpoints.clientModule, SessionEndpoints.clientDeclarations] {
            for method in [HTTPRequest.Method.get, .head] {
                routes.on(RouterPath(file.name), method: method) { request, _ in
                    Response(file.response(to: request.head), to: request)
                }
            }
        }
        return routes
    }

    private static func answer(
        _ request: Request,
        _ context: Context,
        _ endpoints: SessionEndpoints
    ) async throws -> Response {
        // One byte too many is enough for the endpoint to refuse the whole.
        var body: [UInt8] = []
        for try await buffer in request.body {
            body += buffer.readableBytesView
            if body.count > endpoints.maximumBodyBytes { break }
        }
        let answer = try await sessionEndpoint(context.event, body: body, as: Value.self, endpoints)
        return Response(answer, to: request)
    }
}

extension Response {
    /// What an endpoint answered; without its content where `HEAD` asked.
    fileprivate init(_ answer: SessionEndpointResponse, to request: Request) {
        let hasContent = answer.status != .noContent && answer.status != .notModified
        self.init(
            status: answer.status,
            headers: answer.fields,
            body: hasContent ? ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)) : ResponseBody()
        )
        if !hasContent { self.headers[.contentLength] = nil }
        if request.method == .head { self = self.createHeadResponse() }
    }
}
#endif
