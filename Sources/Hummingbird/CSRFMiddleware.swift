#if HummingbirdSupport
import HTTPTypes
public import Hummingbird
import NIOCore
import Sessions

/// Refuses writing requests that another site's page made the browser send (R36).
///
///     router.add(middleware: SessionMiddleware(sessions))
///     router.add(middleware: CSRFMiddleware())
///
/// `GET`, `HEAD`, `OPTIONS` and `TRACE` pass, as they must change nothing. Any other request has to show one of these, or is
/// answered by 403 without reaching the handler:
/// - that it comes from a page of the same origin, as `isSameOrigin(_:allowing:name:)` tells, unless ``Proof/token`` asks
///   for more;
/// - the token of `csrfToken(_:name:)` in the header field that the session's options name, `X-CSRF-Token` by default;
/// - the token in the form field, `csrf_token` by default, of an `application/x-www-form-urlencoded` body. Only then is the
///   body read, up to the limit, and the handler gets it whole. Of a `multipart/form-data` body nothing is read: send the
///   header field with those.
///
/// A request whose session came in a header field and not in a cookie passes too. It has to stand after the
/// ``SessionMiddleware``, whose response then carries the session's fields with the 403 as well.
public struct CSRFMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    /// What a writing request has to show.
    public enum Proof: Sendable, Hashable {
        /// Its origin, by `Sec-Fetch-Site` or `Origin`, or the session's token.
        case tokenOrOrigin
        /// The session's token, wherever it comes from.
        case token
    }

    private let proof: Proof
    private let allowedOrigins: Set<String>
    private let formField: String
    private let maximumFormBytes: Int
    private let name: String?

    /// Creates a middleware.
    ///
    /// - Parameters:
    ///   - proof: What a writing request has to show.
    ///   - allowedOrigins: Further origins whose pages may write, as in `https://admin.example.org`; none by default.
    ///   - formField: The name of the form's hidden field.
    ///   - maximumFormBytes: The largest form that is searched, in bytes; 65,536 by default. A larger one is answered by
    ///     413: send the token in the header field with it.
    ///   - name: Which session; by default the one that was set up first.
    public init(
        _ proof: Proof = .tokenOrOrigin,
        allowedOrigins: Set<String> = [],
        formField: String = "csrf_token",
        maximumFormBytes: Int = 65_536,
        name: String? = nil
    ) {
        self.proof = proof
        self.allowedOrigins = allowedOrigins
        self.formField = formField
        self.maximumFormBytes = maximumFormBytes
        self.name = name
    }

    /// Runs the handler if the request may write or does not.
    public func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var request = request
        let event = try context.event
        if try self.isVouchedFor(event) { return try await next(request, context) }
        do throws(SessionError) {
            try await verifyCSRF(event, name: self.name)
        } catch {
            guard error.code == .forbidden, FormFields.areIn(request.headers[.contentType]) else { throw error }
            let form = try await request.collectBody(upTo: self.maximumFormBytes)
            guard let token = FormFields.first(self.formField, of: form.readableBytesView) else { throw error }
            try await verifyCSRF(event, token: token, name: self.name)
        }
        return try await next(request, context)
    }

    private func isVouchedFor(_ event: SessionEvent) throws(SessionError) -> Bool {
        guard self.proof == .tokenOrOrigin else { return false }
        return try isSameOrigin(event, allowing: self.allowedOrigins, name: self.name)
    }
}
#endif
