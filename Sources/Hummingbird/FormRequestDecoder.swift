#if HummingbirdSupport
import Foundation
public import Hummingbird

/// Decodes a request's body by its media type: HTML forms (`application/x-www-form-urlencoded`) and, as Hummingbird does by
/// default, JSON.
///
/// Fields that are left out of a form, unchecked boxes for instance, want an optional type. Anything that is neither is
/// read as JSON. The body may be as large as the context's `maxUploadSize`.
public struct FormRequestDecoder: RequestDecoder {
    /// Creates a decoder.
    public init() {}

    /// Decodes the body.
    @concurrent public func decode<Value: Decodable>(
        _ type: Value.Type,
        from request: Request,
        context: some RequestContext
    ) async throws -> Value {
        guard FormFields.areIn(request.headers[.contentType]) else {
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            return try await decoder.decode(type, from: request, context: context)
        }
        return try await URLEncodedFormDecoder().decode(type, from: request, context: context)
    }
}
#endif
