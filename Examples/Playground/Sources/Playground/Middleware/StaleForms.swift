import Hummingbird
import Sessions

/// Tells a visitor in plain words that a form was refused: it lacks the session's token, or has that of an earlier one.
struct StaleForms: RouterMiddleware {
    func handle(
        _ request: Request,
        context: PlaygroundContext,
        next: @concurrent (Request, PlaygroundContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as SessionError where error.code == .forbidden {
            let message = "The form was not sent from this page as it is now. Go back to the page and try again."
            throw HTTPError(.forbidden, message: message)
        }
    }
}
