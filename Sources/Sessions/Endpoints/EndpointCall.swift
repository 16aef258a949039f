import HTTPTypes
import KVStorage
import Synchronization

/// One request to an endpoint.
struct EndpointCall<Value: Codable & Sendable> {
    private let event: SessionEvent
    private let endpoints: SessionEndpoints
    private let slot: SessionSlot
    private let json = JSONStorageCodec()

    init(_ event: SessionEvent, _ endpoints: SessionEndpoints) throws(SessionError) {
        self.event = event
        self.endpoints = endpoints
        self.slot = try event.requiredSlot(endpoints.name)
        _ = try self.slot.type(Value.self)
    }

    /// Returns what the client may read of the value, as JSON.
    func read() async throws -> [UInt8] {
        guard let value = try await getSession(self.event, as: Value.self, name: self.endpoints.name) else {
            return Array("null".utf8)
        }
        return try self.visible(value)
    }

    /// Changes the value as `combine` says and returns what the client may read of it. What is refused changes nothing.
    func change(_ body: [UInt8], _ combine: (JSONMembers, JSONMembers) -> JSONMembers) async throws -> [UInt8] {
        let members = try self.members(body)
        try await self.checkForgery()
        let value = try await updateSession(self.event, as: Value.self, name: self.endpoints.name) { value in
            guard let current = JSONMembers(try self.json.encode(value)) else { throw EndpointRefusal.notAnObject }
            let combined = try combine(current, members).json()
            do {
                value = try self.json.decode(Value.self, from: combined)
            } catch {
                throw EndpointRefusal.wrongType(error, writable: self.endpoints.writable)
            }
            return value
        }
        return try self.visible(value)
    }

    /// Returns for how many whole seconds the session goes on if nothing more happens; `nil` if there is none.
    func expiresIn() async throws(SessionError) -> Int64? {
        guard let info = try await sessionInfo(self.event, name: self.endpoints.name) else { return nil }
        let milliseconds = self.slot.core.clock.now.duration(to: info.expires).wholeMilliseconds
        return max(milliseconds / 1000, 0)
    }

    /// Has what is read from now on be no activity.
    func doNotTouch() {
        self.slot.touchesOnLoad.store(false, ordering: .relaxed)
    }

    /// Throws unless the request comes from the session's own pages.
    func checkForgery() async throws {
        guard self.endpoints.forgeryCheck == .tokenOrOrigin else { return }
        let origins = self.endpoints.allowedOrigins
        if try isSameOrigin(self.event, allowing: origins, name: self.endpoints.name) { return }
        try await verifyCSRF(self.event, name: self.endpoints.name)
    }

    private func visible(_ value: Value) throws -> [UInt8] {
        let bytes = try self.json.encode(value)
        guard let readable = self.endpoints.readable, let members = JSONMembers(bytes) else { return bytes }
        return try members.filter { readable.contains($0) }.json()
    }

    /// Reads a body: an object of writable members.
    private func members(_ body: [UInt8]) throws -> JSONMembers {
        let type = self.event.request.headerFields[.contentType]?.prefix { $0 != ";" && $0 != " " }
        guard type?.lowercased() == "application/json" else { throw EndpointRefusal.mediaType }
        guard body.count <= self.endpoints.maximumBodyBytes else { throw EndpointRefusal.tooLarge }
        guard let members = JSONMembers(body) else { throw EndpointRefusal.notAnObject }
        guard members.names.isSubset(of: self.endpoints.writable) else { throw EndpointRefusal.notWritable }
        return members
    }
}

/// Why a request is answered without being carried out.
struct EndpointRefusal: Error {
    let response: SessionEndpointResponse

    private init(_ status: HTTPResponse.Status, _ error: String, _ message: String) {
        self.response = .refusal(status, error, message)
    }

    /// Refuses what is the client's fault or fate; `nil` for the server's.
    init?(_ error: SessionError) {
        switch error.code {
        case .forbidden: self.init(.forbidden, "forbidden", "the request does not prove where it comes from")
        case .gone: self.init(.conflict, "gone", "the session ended meanwhile")
        case .tooLarge: self.init(.contentTooLarge, "too_large", "the session would hold too much")
        case .reauthenticationRequired: self.init(.unauthorized, "reauthentication_required", "log in again")
        default: return nil
        }
    }

    static let mediaType = EndpointRefusal(.unsupportedMediaType, "unsupported_media_type", "send application/json")
    static let tooLarge = EndpointRefusal(.contentTooLarge, "too_large", "the body is too large")
    static let notAnObject = EndpointRefusal(.badRequest, "bad_request", "send a JSON object")
    static let notWritable = EndpointRefusal(.badRequest, "not_writable", "the body names a field that is not writable")

    /// Says which writable field is missing or wrong, as far as the decoder tells; of others the client learns nothing.
    static func wrongType(_ error: any Error, writable: Set<String>) -> EndpointRefusal {
        let general = EndpointRefusal(.badRequest, "bad_request", "the fields are not of the session's type")
        let (name, problem): (String?, String) =
            switch error as? DecodingError {
            case .keyNotFound(let key, let context) where context.codingPath.isEmpty: (key.stringValue, "is missing")
            case .keyNotFound(_, let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
                .dataCorrupted(let context):
                (context.codingPath.first?.stringValue, "is not of the session's type")
            default: (nil, "")
            }
        // A name goes into JSON as it is, so it has to be a plain one.
        guard let name, writable.contains(name), name.utf8.allSatisfy({ Base64.url.contains($0) }) else {
            return general
        }
        return EndpointRefusal(.badRequest, "bad_request", "the field \(name) \(problem)")
    }
}
