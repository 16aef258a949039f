import HTTPTypes
import Hummingbird

/// Turns errors into pages that a person can read.
struct ErrorPages: RouterMiddleware {
    func handle(
        _ request: Request,
        context: PlaygroundContext,
        next: @concurrent (Request, PlaygroundContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            var response = ErrorPage(status: error.status, message: error.body).html.response(status: error.status)
            response.headers.append(contentsOf: error.headers)
            return response
        }
    }
}
