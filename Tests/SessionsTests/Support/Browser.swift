import HTTPTypes
import Sessions
import Synchronization

/// A client that keeps cookies as a browser does, by name alone.
final class Browser: Sendable {
    private let jar = Mutex<[String: String]>([:])

    /// The cookies by name, as they are sent.
    var cookies: [String: String] {
        get { self.jar.withLock { $0 } }
        set { self.jar.withLock { $0 = newValue } }
    }

    init(_ cookies: [String: String] = [:]) {
        self.cookies = cookies
    }

    /// A request with the cookies of now.
    func request(
        _ method: HTTPRequest.Method = .get,
        _ fields: HTTPFields = [:],
        address: String? = "192.0.2.1",
        isSecure: Bool = true
    ) -> SessionEvent {
        var request = HTTPRequest(method: method, scheme: "https", authority: "example.org", path: "/")
        request.headerFields = fields
        let cookies = self.cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if !cookies.isEmpty {
            request.headerFields.append(HTTPField(name: .cookie, value: cookies.joined(separator: "; ")))
        }
        return SessionEvent(request: request, remoteAddress: address, isSecure: isSecure)
    }

    /// Takes over what the response sets and removes.
    func receive(_ event: SessionEvent) {
        for field in event.setCookies {
            let pair = field.prefix { $0 != ";" }
            let name = String(pair.prefix { $0 != "=" })
            let value = String(pair.dropFirst(name.count + 1))
            self.jar.withLock { $0[name] = field.contains("Max-Age=0") ? nil : value }
        }
    }

    /// Makes a request, has it handled, takes over its cookies, and returns what the handler returned.
    func visit<Value, Result>(
        _ config: SessionConfig<Value>,
        _ method: HTTPRequest.Method = .get,
        _ fields: HTTPFields = [:],
        address: String? = "192.0.2.1",
        isSecure: Bool = true,
        _ handler: (SessionEvent) async throws -> Result
    ) async throws -> Result {
        let event = self.request(method, fields, address: address, isSecure: isSecure)
        try await useSession(event, config)
        defer { self.receive(event) }
        return try await handler(event)
    }

    /// A browser with the same cookies: what an attacker has who copied them.
    func copy() -> Browser { Browser(self.cookies) }
}

extension SessionEvent {
    var setCookies: [String] { self.responseFields[values: .setCookie] }
}
