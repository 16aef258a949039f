#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import Logging
import Sessions

/// Why ``CSRFMiddleware`` refuses a request, for who wants to answer it in another way than by 403.
public struct CSRFFailure: Sendable {
    /// The error that is thrown without another answer.
    let error: SessionError
    /// Whether the request comes from a page of this server, as the browser says, and only its token is not the session's of
    /// now: it was rendered before a login or logout, or before the session's end. No attack then, and no reason to show an
    /// error: show the page again. Never true of a page of another site.
    public let isStale: Bool
    /// Path and query of the page that the request was sent from, to be loaded again; `nil` if the request does not say, or
    /// it is not of this server. It starts with one slash: a redirect to it stays on this host.
    public let formPath: String?

    /// What a log should have of it. The query is left out: it may hold what is nobody's business.
    func metadata(of request: Request) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "method": "\(request.method)", "path": "\(request.uri.path)", "stale": "\(self.isStale)",
        ]
        for field in [HTTPField.Name.origin, HTTPField.Name("Sec-Fetch-Site")].compactMap(\.self) {
            metadata[field.canonicalName] = request.headers[field].map { "\($0)" }
        }
        return metadata
    }
}
#endif
