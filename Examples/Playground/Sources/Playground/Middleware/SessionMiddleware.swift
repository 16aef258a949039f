import HTTPTypes
import Hummingbird
import Logging
import Sessions

/// Stands between Hummingbird's requests and the session functions: makes the event that they work on, and puts the
/// fields that they want to send into the response, also when the handler throws.
struct SessionMiddleware<Value: Codable & Sendable>: RouterMiddleware {
    private let sessions: SessionConfig<Value>

    init(_ sessions: SessionConfig<Value>) {
        self.sessions = sessions
    }

    func handle(
        _ request: Request,
        context: PlaygroundContext,
        next: @concurrent (Request, PlaygroundContext) async throws -> Response
    ) async throws -> Response {
        let event = SessionEvent(request: request.head, remoteAddress: context.remoteAddress, isSecure: false)
        var context = context
        context.event = event
        do {
            try await useSession(event, self.sessions)
            var response = try await next(request, context)
            event.apply(to: &response.headers)
            return response
        } catch {
            var failure = HTTPError(answering: error, context)
            event.apply(to: &failure.headers)
            throw failure
        }
    }
}

extension HTTPError {
    /// Creates the answer to any error, so that session fields can travel with it.
    fileprivate init(answering error: any Error, _ context: PlaygroundContext) {
        switch error {
        case let error as HTTPError:
            self = error
        case let error as any HTTPResponseError:
            self.init(error.status)
        case let error as SessionError where error.code == .gone || error.code == .conflict:
            self.init(.conflict, message: "Your session changed meanwhile. Go back and try again.")
        case let error as SessionError where error.code == .storage:
            context.logger.error("\(error)")
            self.init(.serviceUnavailable, message: "The storage does not answer. Nothing was changed.")
        default:
            context.logger.error("\(error)")
            self.init(.internalServerError)
        }
    }
}
