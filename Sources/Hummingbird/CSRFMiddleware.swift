#if HummingbirdSupport
import HTTPTypes
public import Hummingbird
import Logging
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
/// - a token of `csrfToken(_:name:)` in the header field that the session's options name, `X-CSRF-Token` by default;
/// - a token in the form field, `csrf_token` by default, of an `application/x-www-form-urlencoded` body. Only then is the
///   body read, up to the limit, and the handler gets it whole. Of a `multipart/form-data` body nothing is read: send the
///   header field with those.
///
/// A client without cookies that sends the session's own header field, or `Authorization: Bearer` where that is taken,
/// passes too. It has to stand after the ``SessionMiddleware``, whose response then carries the session's fields with the
/// 403 as well.
///
/// A form that was open while its user logged in, in another tab or by a double click, brings a token of before. With
/// `onFailure` it is answered by the page anew instead of an error:
///
///     CSRFMiddleware(.token) { failure, request, context in
///         guard failure.isStale else { return nil }  // 403
///         try await setFlash(context.event, "notice", "Please send the form again.")
///         return .redirect(to: failure.formPath ?? "/")
///     }
public struct CSRFMiddleware<Context: SessionRequestContext>: RouterMiddleware {
    /// What a writing request has to show.
    public enum Proof: Sendable, Hashable {
        /// Its origin, by `Sec-Fetch-Site` or `Origin`, or the session's token.
        case tokenOrOrigin
        /// The session's token, wherever it comes from.
        case token
    }

    /// What happens to a request that shows nothing of what it has to.
    public enum Enforcement: Sendable, Hashable {
        /// It is refused.
        case refuse
        /// It passes, and is logged at level `warning`. This protects nobody: it is for finding out what an application that
        /// had no protection would have refused, before it does. A form is searched for the token only if `Content-Length`
        /// says that it is within the limit.
        case reportOnly
    }

    /// Answers a request that is refused; by `nil` it gets the 403.
    public typealias FailureHandler =
        @Sendable (_ failure: CSRFFailure, _ request: Request, _ context: Context) async throws -> Response?

    private let proof: Proof
    private let enforcement: Enforcement
    private let allowedOrigins: Set<String>
    private let formField: String
    private let maximumFormBytes: Int
    private let name: String?
    private let onFailure: FailureHandler?

    /// Creates a middleware.
    ///
    /// - Parameters:
    ///   - proof: What a writing request has to show.
    ///   - enforcement: Whether a request that does not is refused; ``Enforcement/refuse`` by default.
    ///   - allowedOrigins: Further origins whose pages may write, as in `https://admin.example.org`; none by default.
    ///   - formField: The name of the form's hidden field.
    ///   - maximumFormBytes: The largest form that is searched, in bytes; 65,536 by default. A larger one is answered by
    ///     413: send the token in the header field with it.
    ///   - name: Which session; by default the one that was set up first.
    ///   - onFailure: Answers what is refused; by default a 403 with a sentence for the visitor. What it throws is the answer
    ///     as if a handler had thrown it.
    public init(
        _ proof: Proof = .tokenOrOrigin,
        enforcement: Enforcement = .refuse,
        allowedOrigins: Set<String> = [],
        formField: String = "csrf_token",
        maximumFormBytes: Int = 65_536,
        name: String? = nil,
        onFailure: FailureHandler? = nil
    ) {
        self.proof = proof
        self.enforcement = enforcement
        self.allowedOrigins = allowedOrigins
        self.formField = formField
        self.maximumFormBytes = maximumFormBytes
        self.name = name
        self.onFailure = onFailure
    }

    /// Runs the handler if the request may write or does not.
    public func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard !request.method.isSafe else { return try await next(request, context) }
        var request = request
        let event = try context.event
        let failure: CSRFFailure?
        do {
            failure = try await self.failure(&request, event)
        } catch let error as SessionError where self.enforcement == .reportOnly {
            context.logger.warning("CSRF: the request can't be checked", metadata: ["error": "\(error)"])
            failure = nil
        }
        guard let failure else { return try await next(request, context) }
        switch self.enforcement {
        case .reportOnly:
            context.logger.warning("CSRF: the request would be refused", metadata: failure.metadata(of: request))
            return try await next(request, context)
        case .refuse:
            context.logger.debug("CSRF: the request is refused", metadata: failure.metadata(of: request))
            if let response = try await self.onFailure?(failure, request, context) { return response }
            throw failure.error
        }
    }

    /// Returns why the request may not write; `nil` if it may.
    private func failure(_ request: inout Request, _ event: SessionEvent) async throws -> CSRFFailure? {
        // What the browser says costs no storage call, and so comes first where it suffices.
        if self.proof == .tokenOrOrigin, try self.isVouchedFor(event) { return nil }
        guard let error = try await self.refusal(of: nil, event) else { return nil }
        let token = try await self.formToken(&request)
        if let token, try await self.refusal(of: token, event) == nil { return nil }
        return CSRFFailure(
            error: error,
            isStale: try self.isVouchedFor(event),
            formPath: try pathOfOwnPage(event, name: self.name)
        )
    }

    private func isVouchedFor(_ event: SessionEvent) throws(SessionError) -> Bool {
        try isSameOrigin(event, allowing: self.allowedOrigins, name: self.name)
    }

    private func refusal(of token: String?, _ event: SessionEvent) async throws(SessionError) -> SessionError? {
        do throws(SessionError) {
            try await verifyCSRF(event, token: token, name: self.name)
            return nil
        } catch {
            guard error.code == .forbidden else { throw error }
            return error
        }
    }

    /// Returns the token of the request's form, whose body the handler still gets whole; `nil` if there is none.
    private func formToken(_ request: inout Request) async throws -> String? {
        guard FormFields.areIn(request.headers[.contentType]) else { return nil }
        if self.enforcement == .reportOnly {
            // Nothing may fail here that would not fail without this middleware, a form above the limit among it.
            guard let length = request.headers[.contentLength].flatMap({ Int($0) }), length <= self.maximumFormBytes
            else {
                return nil
            }
        }
        let form = try await request.collectBody(upTo: self.maximumFormBytes)
        return FormFields.first(self.formField, of: form.readableBytesView)
    }
}
#endif
