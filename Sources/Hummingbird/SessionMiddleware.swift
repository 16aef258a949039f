#if HummingbirdSupport
import HTTPTypes
public import Hummingbird
import KVStorage
import Logging
public import Sessions

/// Sets up sessions for every request and puts their fields into the response before its head is sent.
///
///     let router = Router(context: FormSessionRequestContext.self)
///     router.add(middleware: SessionMiddleware(sessions))
///     router.add(middleware: CSRFMiddleware())
///     router.get("visits") { request, context in
///         try await updateSession(context.event, as: Visits.self) { visits in
///             visits.count += 1
///             return "visit \(visits.count)"
///         }
///     }
///     router.post("login") { request, context in
///         let form = try await request.decode(as: LoginForm.self, context: context)
///         let user = try await verified(form.name, form.password)  // yours
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
/// The error of a session call that a handler lets through is answered by a status and a sentence for the visitor; what it
/// says itself, which is for developers, goes to the log. With `onError` the application answers in its own way, by a page
/// that asks to log in for instance:
///
///     SessionMiddleware(sessions, onError: { error, request, context in
///         error.code == .gone ? .redirect(to: "/login") : nil
///     })
///
/// An answer with the status 401, whoever gives it, gets `WWW-Authenticate: Bearer` if a session takes its token from there
/// and the request has no cookie of it (`SessionEvent.authenticationChallenge`), unless the answer has that field.
///
/// Whether the connection is encrypted is taken from the request's scheme, which Hummingbird sets for its own TLS; what a
/// proxy says is a matter of the session's configuration.
public struct SessionMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    /// Answers an error of a session call; by `nil` it gets the standard answer.
    public typealias ErrorHandler =
        @Sendable (_ error: SessionError, _ request: Request, _ context: Context) async throws -> Response?

    private let start: @Sendable (SessionEvent) async throws(SessionError) -> Void
    private let onError: ErrorHandler?

    /// Creates a middleware for one or more sessions with names of their own.
    ///
    /// - Parameters:
    ///   - configs: The sessions.
    ///   - onError: Answers the error of a session call that a handler let through, instead of the standard answer. The
    ///     session's fields are added to what it returns. What it throws is answered as if the handler had thrown it.
    public init<each Value>(_ configs: repeat SessionConfig<each Value>, onError: ErrorHandler? = nil) {
        self.onError = onError
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
            var response = try await self.response(to: request, event, context, next)
            if isOutermost { event.complete(&response.headers, response.status) }
            return response
        } catch {
            guard isOutermost else { throw error }
            throw self.answer(to: error, event, context)
        }
    }

    /// Returns the handler's response, or the application's own to an error of a session call.
    private func response(
        to request: Request,
        _ event: SessionEvent,
        _ context: Context,
        _ next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            try await self.start(event)
            return try await next(request, context)
        } catch let error as SessionError {
            guard let onError = self.onError, let response = try await onError(error, request, context) else {
                throw error
            }
            error.log(context.logger)
            return response
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
        event.complete(&answer.headers, answer.status)
        return answer
    }
}

extension SessionEvent {
    /// Adds the sessions' fields to those of a response, and what a client without cookies needs to know of a 401.
    fileprivate func complete(_ fields: inout HTTPFields, _ status: HTTPResponse.Status) {
        self.apply(to: &fields)
        guard status == .unauthorized, fields[.wwwAuthenticate] == nil else { return }
        fields[.wwwAuthenticate] = self.authenticationChallenge
    }
}

/// An error of the application's own kind whose response also carries the session's fields.
private struct ErrorWithFields: HTTPResponseError {
    let error: any HTTPResponseError
    let event: SessionEvent

    var status: HTTPResponse.Status { self.error.status }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var response = try self.error.response(from: request, context: context)
        self.event.complete(&response.headers, response.status)
        return response
    }
}
#endif
