#if HummingbirdSupport
public import Hummingbird
import HTTPTypes
public import KVStorage
import NIOCore

/// A storage over HTTP, as unstorage's server speaks it: its `http` driver is a client.
///
///     let routes = StorageRoutes(storage.prefixed("public")) { access, request, context in
///         guard access.kind == .read else { throw HTTPError(.forbidden) }
///     }
///     router.addRoutes(routes.routes, atPath: "/storage")
///
/// | request | does | answers |
/// |---|---|---|
/// | `GET /storage/a/b` | reads `a:b` | 200 and the bytes as they are stored, 404 if there are none |
/// | `HEAD /storage/a/b` | asks for it | 200 or 404 |
/// | `PUT /storage/a/b` | stores the body as it is | 200, `OK` |
/// | `DELETE /storage/a/b` | removes it, if it is there | 200, `OK` |
/// | `GET /storage/a/` or `/storage/a:` | lists the keys below `a` | 200 and a JSON array, with `/` for `:` |
/// | `DELETE /storage/a/` | clears what is below `a` | 200, `OK` |
///
/// Any other method is answered by 405. The path below the routes' own is percent-decoded once and is a key then; one that
/// has a `?` in it is refused, as it would name another item. Items come as `text/plain`, or as `application/octet-stream`
/// if the request accepts that or the bytes are not UTF-8. `Last-Modified` tells when an item was written, `X-TTL` what
/// remains of its lifetime in seconds, rounded up. A `PUT` sets one by `X-TTL`, in seconds with or without a fraction,
/// above zero and at most a hundred years; without one the item lives as long as its mount says, forever by default.
///
/// Errors are JSON, `{"status":…,"statusText":…,"message":…}`: 400 for a key or a lifetime that can't be, 403 for a
/// mount that is read-only, 413 for a body above the limit, 503 for a storage that can't be reached.
///
/// Requests that a cookie lets in need a proof against forgery as well: put a ``CSRFMiddleware`` before the routes.
public struct StorageRoutes<Context: RequestContext>: Sendable {
    let storage: Storage
    let maximumBodyBytes: Int
    let authorize: @Sendable (StorageAccess, Request, Context) async throws -> Void

    /// Creates the routes.
    ///
    /// - Parameters:
    ///   - storage: The storage; `storage.prefixed("public")` shows only what is below, under relative keys.
    ///   - maximumBodyBytes: The largest value that a client may store; 2,097,152 by default.
    ///   - authorize: Is asked before anything is read or changed, and before the body is read. It lets a request pass by
    ///     returning. An `HTTPError` that it throws is the answer; other errors are answered by 401 without their text.
    public init(
        _ storage: Storage,
        maximumBodyBytes: Int = 2_097_152,
        authorize:
            @escaping @Sendable (_ access: StorageAccess, _ request: Request, _ context: Context) async throws ->
            Void
    ) {
        self.storage = storage
        self.maximumBodyBytes = maximumBodyBytes
        self.authorize = authorize
    }

    /// The routes, for `addRoutes(_:atPath:)`.
    public var routes: RouteCollection<Context> {
        let routes = RouteCollection(context: Context.self)
        for path in ["", "**"] as [RouterPath] {
            for method in [HTTPRequest.Method.get, .head, .put, .delete, .post, .patch] {
                routes.on(path, method: method) { request, context in
                    try await StorageCall(routes: self, request: request, context: context).response()
                }
            }
        }
        return routes
    }
}
#endif
