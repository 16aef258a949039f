#if HummingbirdSupport
import HTTPTypes
public import Hummingbird
import KVStorage
import Logging
public import Sessions

/// Sets up sessions for every request and puts their fields into the response before its head is sent.
///
///     let router = Router(context: BasicSessionRequestContext.self)
///     router.add(middleware: SessionMiddleware(sessions))
///     router.add(middleware: CSRFMiddleware())
///     router.get("visits") { request, context in
///         try await updateSession(context.event, as: Visits.self) { visits in
///             visits.count += 1
///             return "visit \(visits.count)"
///         }
///     }
///     router.post("login") { request, context in
///         let user = try await verifiedUser(of: request)
///         try await authenticateSession(context.event, user: user.id)
///         return Response.redirect(to: "/")
///     }
///     router.post("logout") { request, context in
///         try await destroySession(context.event)
///         return Response.redirect(to: "/")
///     }
///
/// A request that touches no session costs no storage call. What the session functions promise is in storage when they
/// return, so there is nothing to save when the handler is done. Cookies are also sent with the response to an error that
/// the handler throws. A storage that fails is answered by 503 and logged at level `error`.
///
/// Whether the connection is encrypted is taken from the request's scheme, which Hummingbird sets for its own TLS; what a
/// proxy says is a matter of the session's configuration.
public struct SessionMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    private let start: @Sendable (SessionEvent) async throws(SessionError) -> Void

    /// Creates a middleware for one or more sessions with names of their own.
    public init<each Value>(_ configs: repeat SessionConfig<each Value>) {
        self.start = { event throws(SessionError) in
            for config in repeat each configs { try await useSession(event, config) }
        }
    }

    /// Runs the handler with the request's sessions.
    public func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var context = context
        let isOutermost = context.sessionEvent == nil
        let event =
            context.sessionEvent
            ?? SessionEvent(
                request: request.head,
                remoteAddress: context.remoteAddress?.ipAddress,
                isSecure: request.head.scheme == "https"
            )
        context.sessionEvent = event
        do {
            try await self.start(event)
            var response = try await next(request, context)
            if isOutermost { event.apply(to: &response.headers) }
            return response
        } catch {
            guard isOutermost else { throw error }
            throw self.answer(to: error, event, context)
        }
    }

    /// Returns the error with the session's fields in the response that it becomes.
    private func answer(to error: any Error, _ event: SessionEvent, _ context: Context) -> any Error {
        var answer: HTTPError
        switch error {
        case let error as HTTPError: answer = error
        case let error as SessionError: answer = error.answer(context.logger)
        case let error as StorageError: answer = error.answer(context.logger)
        case let error as any HTTPResponseError: return ErrorWithFields(error: error, event: event)
        default:
            // Hummingbird answers so too, and logs no more.
            context.logger.debug("unrecognised error", metadata: ["error": "\(error)"])
            answer = HTTPError(.internalServerError)
        }
        event.apply(to: &answer.headers)
        return answer
    }
}

/// An error of the application's own kind whose response also carries the session's fields.
private struct ErrorWithFields: HTTPResponseError {
    let error: any HTTPResponseError
    let event: SessionEvent

    var status: HTTPResponse.Status { self.error.status }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var response = try self.error.response(from: request, context: context)
        self.event.apply(to: &response.headers)
        return response
    }
}
#endif
