import HTTPTypes
import Hummingbird

/// Refuses writes that another site's page made the browser send (CSRF).
///
/// The session's cookie is SameSite=Lax, which keeps it from such requests already; but a site is wider than an origin,
/// and not every browser enforces it. Requests that name no origin at all come from no browser and pass.
struct SameOriginMiddleware: RouterMiddleware {
    func handle(
        _ request: Request,
        context: PlaygroundContext,
        next: @concurrent (Request, PlaygroundContext) async throws -> Response
    ) async throws -> Response {
        guard Self.isAllowed(request.head) else {
            throw HTTPError(.forbidden, message: "The form was sent from another site.")
        }
        return try await next(request, context)
    }

    static func isAllowed(_ request: HTTPRequest) -> Bool {
        if request.method == .get || request.method == .head { return true }
        if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ request.headerFields[$0] }) {
            return site == "same-origin" || site == "none"
        }
        guard let origin = request.headerFields[.origin] else { return true }
        guard let authority = request.authority else { return false }
        return origin == "http://\(authority)" || origin == "https://\(authority)"
    }
}
