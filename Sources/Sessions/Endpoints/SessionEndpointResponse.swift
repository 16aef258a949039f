public import HTTPTypes

/// What an endpoint answers; the fields of the event come on top, see ``SessionEvent/apply(to:)``.
public struct SessionEndpointResponse: Sendable, Hashable {
    /// The status.
    public var status: HTTPResponse.Status
    /// `Content-Type` with `X-Content-Type-Options: nosniff`, `Cache-Control`, `X-Session-Expires-In` where there is a
    /// session, and `Allow` where the method is not answered.
    public var fields: HTTPFields
    /// JSON, or nothing.
    public var body: [UInt8]

    /// A value as JSON.
    static func value(_ json: [UInt8]) -> SessionEndpointResponse {
        let fields: HTTPFields = [
            .contentType: "application/json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        ]
        return SessionEndpointResponse(status: .ok, fields: fields, body: json)
    }

    /// Nothing, successfully.
    static let empty = SessionEndpointResponse(status: .noContent, fields: [.cacheControl: "no-store"], body: [])

    /// The field that says for how many seconds the session goes on without activity: a time span, as the clocks of browsers
    /// are often wrong.
    static let expiresIn = HTTPField.Name("X-Session-Expires-In")

    /// A refusal that says why, as `{"error":…,"message":…}`; both are constants or words of ours, never the client's.
    static func refusal(_ status: HTTPResponse.Status, _ error: String, _ message: String) -> SessionEndpointResponse {
        var response = Self.value(Array("{\"error\":\"\(error)\",\"message\":\"\(message)\"}".utf8))
        response.status = status
        return response
    }
}
