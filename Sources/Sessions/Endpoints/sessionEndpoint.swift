import HTTPTypes
import KVStorage

/// Answers a browser's request to its session by the request's method.
///
/// - `GET`: 200 with the value, `null` if there is no session. `HEAD` answers the same without the content and is no
///   activity: a page may ask by it how long its session goes on, and does not make it longer by asking.
/// - `PATCH`: the body's members replace those of the value (a shallow merge); 200 with the value. Creates the session.
/// - `POST`: the body's members replace all writable ones; 200 with the value. Creates the session. Of the writable members
///   only those whose type is optional can be left out: a Swift type's default values are not what decoding falls back to.
/// - `DELETE`: ends the session; 204.
///
/// An answer with a value has the field `X-Session-Expires-In` if there is a session: the whole seconds that it goes on
/// without activity. Pages of other origins see it only if `Access-Control-Expose-Headers` names it.
///
/// `OPTIONS` is answered by 204 with `Allow`. A method that is not enabled gets 405, any method 404 if none is. Writing asks for `application/json` (else 415), at most
/// ``SessionEndpoints/maximumBodyBytes`` (else 413), a proof against forgery (else 403), and an object of writable
/// members which together with the others make a value of the session's type (else 400). A refused request has changed
/// nothing; its body is `{"error":…,"message":…}`, and names the writable member that is missing or wrong.
/// - Parameters:
///   - event: The request, for which `useSession` was called.
///   - body: Its body.
///   - type: The session's type.
///   - endpoints: What is allowed.
/// - Throws: ``SessionError`` where the server is at fault: `storage`, `notStarted`, `typeMismatch`, `encoding`, `conflict`.
public func sessionEndpoint<Value: Codable & Sendable>(
    _ event: SessionEvent,
    body: [UInt8] = [],
    as type: Value.Type,
    _ endpoints: SessionEndpoints
) async throws(SessionError) -> SessionEndpointResponse {
    guard !endpoints.methods.isEmpty else { return .refusal(.notFound, "not_found", "there is nothing here") }
    // RFC 9110 §9.3.2: HEAD is GET without the content, which the server leaves out.
    let asked = event.request.method == .head ? .get : event.request.method
    guard let method = SessionEndpoints.Method(rawValue: asked.rawValue), endpoints.methods.contains(method) else {
        var response = SessionEndpointResponse.empty
        if asked != .options {
            response = .refusal(.methodNotAllowed, "method_not_allowed", "this method is not enabled")
        }
        response.fields[.allow] = endpoints.allowed
        return response
    }
    let call = try EndpointCall<Value>(event, endpoints)
    do {
        let json: [UInt8]
        switch method {
        case .get:
            if event.request.method == .head { call.doNotTouch() }
            json = try await call.read()
        case .patch:
            json = try await call.change(body) { current, new in current.merging(new) }
        case .post:
            json = try await call.change(body) { current, new in
                current.filter { !endpoints.writable.contains($0) }.merging(new)
            }
        case .delete:
            try await call.checkForgery()
            try await destroySession(event, name: endpoints.name)
            return .empty
        }
        var response = SessionEndpointResponse.value(json)
        if let field = SessionEndpointResponse.expiresIn, let seconds = try await call.expiresIn() {
            response.fields[field] = String(seconds)
        }
        return response
    } catch let refusal as EndpointRefusal {
        return refusal.response
    } catch let error as SessionError {
        guard let refusal = EndpointRefusal(error) else { throw error }
        return refusal.response
    } catch {
        throw SessionError(.encoding, "the session's value can't be shown as JSON", underlying: error)
    }
}
