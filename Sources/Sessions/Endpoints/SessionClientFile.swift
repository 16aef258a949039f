import Crypto
public import HTTPTypes

/// A file of the browser client, as an endpoint's server hands it out.
///
/// The client is one ES module without dependencies and its type declarations. Serve the module below the endpoints' path,
/// as in `/api/session/client.js`: it takes the path from its own address, and which methods are answered from a line that
/// ``SessionEndpoints/clientModule`` puts before it, so that a call that is not enabled fails before any request.
///
///     import { useSession } from "/api/session/client.js";
///     const { session, update, subscribe } = await useSession();
public struct SessionClientFile: Sendable, Hashable {
    /// The file's name below the endpoints' path: `client.js` or `client.d.ts`.
    public let name: String
    /// The content, UTF-8.
    public let bytes: [UInt8]
    /// The media type for `Content-Type`.
    public let mediaType: String
    /// The entity tag with its quotes; another content has another one.
    public let entityTag: String

    init(name: String, mediaType: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        self.mediaType = mediaType
        self.entityTag = "\"\(Base64.url.encode(Array(SHA256.hash(data: bytes).prefix(12))))\""
    }

    /// Answers a request for the file: 304 if the client has it already, else 200.
    ///
    /// Caches may keep it and have to ask whether it is current, so that page and server are never of different versions.
    public func response(to request: HTTPRequest) -> SessionEndpointResponse {
        let fields: HTTPFields = [
            .contentType: self.mediaType,
            .cacheControl: "no-cache",
            .eTag: self.entityTag,
            .xContentTypeOptions: "nosniff",
        ]
        let known = request.headerFields[values: .ifNoneMatch].flatMap(HTTPFields.members)
        let isKnown = known.contains { $0 == "*" || $0 == self.entityTag || $0 == "W/\(self.entityTag)" }
        return SessionEndpointResponse(
            status: isKnown ? .notModified : .ok,
            fields: fields,
            body: isKnown ? [] : self.bytes
        )
    }
}

extension SessionEndpoints {
    /// The client's module, which knows the enabled methods.
    public var clientModule: SessionClientFile {
        let methods = Method.allCases.filter(self.methods.contains).map { "\"\($0.rawValue)\"" }
        let line = "const servedWith = { methods: [\(methods.joined(separator: ", "))] };\n"
        return SessionClientFile(
            name: "client.js",
            mediaType: "text/javascript; charset=utf-8",
            bytes: Array(line.utf8) + PackageResources.session_js
        )
    }

    /// The module's TypeScript declarations.
    public static var clientDeclarations: SessionClientFile {
        SessionClientFile(
            name: "client.d.ts",
            mediaType: "application/typescript; charset=utf-8",
            bytes: PackageResources.session_d_ts
        )
    }
}
