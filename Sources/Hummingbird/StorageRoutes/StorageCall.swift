#if HummingbirdSupport
import HTTPTypes
import Hummingbird
import KVStorage
import Logging
import NIOCore
import Sessions

/// One request to ``StorageRoutes``.
struct StorageCall<Context: RequestContext> {
    let routes: StorageRoutes<Context>
    let request: Request
    let context: Context

    private static var allowed: String { "GET, HEAD, PUT, DELETE" }
    private static var octets: String { "application/octet-stream" }

    func response() async throws -> Response {
        let response = try await self.outcome()
        // RFC 9110 §9.3.2: no content, whatever the status.
        return self.request.method == .head ? response.createHeadResponse() : response
    }

    private func outcome() async throws -> Response {
        do {
            return try await self.answer()
        } catch let error as StorageError {
            let failure = StorageFailure(error)
            if failure.status.kind == .serverError {
                self.context.logger.error("storage request failed", metadata: ["error": "\(error)"])
            }
            return failure.response
        } catch let failure as StorageFailure {
            return failure.response
        }
    }

    private func answer() async throws -> Response {
        switch self.request.method {
        case .get:
            let access = try self.access(.read)
            try await self.authorize(access)
            return access.isBase ? try await self.list(access.key) : try await self.read(access.key)
        case .head:
            let access = try self.access(.read, mayBeBase: false)
            try await self.authorize(access)
            guard let meta = try await self.routes.storage.getMeta(access.key) else {
                return Response(status: .notFound)
            }
            return Response(status: .ok, headers: StorageItemFields.of(meta))
        case .put:
            let access = try self.access(.write, mayBeBase: false)
            try await self.authorize(access)
            try await self.write(access.key)
            return Self.done
        case .delete:
            let access = try self.access(.write)
            try await self.authorize(access)
            if access.isBase {
                try await self.routes.storage.clear(access.key)
            } else {
                try await self.routes.storage.removeItem(access.key)
            }
            return Self.done
        default:
            let message = "Method Not Allowed: \(self.request.method.rawValue)"
            throw StorageFailure(.methodNotAllowed, message, fields: [.allow: Self.allowed])
        }
    }

    /// Reads the key off the path: what `**` caught, as the routes may stand below any path.
    private func access(_ kind: StorageAccess.Kind, mayBeBase: Bool = true) throws -> StorageAccess {
        let path = self.context.parameters.getCatchAll().joined(separator: "/")
        guard let text = percentDecoded(path.utf8), !text.utf8.contains(UInt8(ascii: "?")) else {
            throw StorageFailure(.badRequest, "The path is not a key.")
        }
        let last = text.utf8.last
        let isBase = last == nil || last == UInt8(ascii: ":") || self.request.uri.path.utf8.last == UInt8(ascii: "/")
        guard isBase, mayBeBase else { return StorageAccess(kind: kind, key: normalizeKey(text), isBase: false) }
        return StorageAccess(kind: kind, key: normalizeBaseKey(text), isBase: true)
    }

    private func authorize(_ access: StorageAccess) async throws {
        do {
            try await self.routes.authorize(access, self.request, self.context)
        } catch let error as any HTTPResponseError where error.status.kind != .successful {
            throw error
        } catch let error as SessionError {
            throw error
        } catch let error as StorageError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            self.context.logger.debug("storage request refused", metadata: ["error": "\(error)"])
            throw StorageFailure(.unauthorized, "Unauthorized")
        }
    }

    private func list(_ base: String) async throws -> Response {
        let keys = try await self.routes.storage.getKeys(base).map { key in
            String(decoding: key.utf8.map { $0 == UInt8(ascii: ":") ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
        }
        let fields: HTTPFields = [
            .contentType: "application/json; charset=utf-8", .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
        ]
        let json = ByteBuffer(bytes: try JSONStorageCodec().encode(keys))
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: json))
    }

    private func read(_ key: String) async throws -> Response {
        // One read: what the fields say is of the write whose bytes are sent.
        guard let entry = try await self.routes.storage.getEntryRaw(key) else {
            throw StorageFailure(.notFound, "KV value not found")
        }
        var fields = StorageItemFields.of(entry.meta)
        let isText = !self.acceptsOctets && String(validating: entry.bytes, as: UTF8.self) != nil
        fields[.contentType] = isText ? "text/plain; charset=utf-8" : Self.octets
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: entry.bytes)))
    }

    private func write(_ key: String) async throws {
        let ttl = try StorageItemFields.ttl(self.request.headers)
        let body: ByteBuffer
        do {
            body = try await self.request.body.collect(upTo: self.routes.maximumBodyBytes)
        } catch is NIOTooManyBytesError {
            throw StorageFailure(.contentTooLarge, "The value is above \(self.routes.maximumBodyBytes) bytes.")
        }
        try await self.routes.storage.setItemRaw(key, body.readableBytesView, ttl: ttl)
    }

    private var acceptsOctets: Bool {
        self.request.headers[values: .accept].contains { list in
            list.split(separator: ",").contains { type in
                type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased() == Self.octets
            }
        }
    }

    private static var done: Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "OK"))
        )
    }
}
#endif
