import Foundation
import Hummingbird
import KVStorage
import KVStorageHummingbird
import Logging
import NIOCore
import Sessions

/// Puts middleware, routes and the storage together; the storage ends with the application.
func makeApplication(
    _ settings: Settings,
    storage: Storage,
    sessions: SessionConfig<Visitor>
) -> some ApplicationProtocol {
    var logger = Logger(label: "playground")
    logger.logLevel = .notice
    return Application(
        router: makeRouter(settings, storage: storage, sessions: sessions),
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: settings.port)),
        services: [StorageService(storage)],
        onServerRunning: { channel in
            let port = channel.localAddress?.port ?? settings.port
            let line = "Playground: http://127.0.0.1:\(port) (data in \(settings.store), Ctrl-C ends it)\n"
            FileHandle.standardOutput.write(Data(line.utf8))
        },
        logger: logger
    )
}

private func makeRouter(
    _ settings: Settings,
    storage: Storage,
    sessions: SessionConfig<Visitor>
) -> Router<PlaygroundContext> {
    let statistics = storage.prefixed("statistics")
    let router = Router(context: PlaygroundContext.self)
    router.add(middleware: ContentSecurityMiddleware(contentSecurityPolicy: .playground))
    router.add(middleware: ErrorPages())
    router.addRoutes(AssetRoutes().routes)

    // What everybody may read: curl http://127.0.0.1:3000/statistics/views
    let open = StorageRoutes<PlaygroundContext>(statistics) { access, _, _ in
        guard access.kind == .read else { throw HTTPError(.forbidden, message: "The statistics are read-only.") }
    }
    router.addRoutes(open.routes, atPath: "/statistics")

    let visitors = router.group()
    visitors.add(middleware: SessionMiddleware(sessions))
    let endpoints = SessionEndpoints(
        methods: Set(SessionEndpoints.Method.allCases),
        writable: Visitor.scriptFields
    )
    visitors.addRoutes(SessionRoutes(of: Visitor.self, endpoints).routes, atPath: "/api/session")

    visitors.addRoutes(StreamRoutes().routes, atPath: "/session")

    // Every form carries the token, although browsers of this decade would vouch for the origin as well. One that was open over
    // a login is shown anew.
    let pages = visitors.group()
    pages.add(
        middleware: CSRFMiddleware(.token) { failure, _, context in
            guard failure.isStale else { return nil }
            let notice = "The page was out of date, so nothing was changed. Please try again."
            try await setFlash(context.event, VisitorRoutes.notice, notice)
            return .redirect(to: "/")
        })
    pages.addRoutes(VisitorRoutes(sessions: sessions, store: settings.store, statistics: statistics).routes)
    pages.addRoutes(AccountRoutes(sessions: sessions).routes)
    return router
}

extension ContentSecurityPolicy {
    /// The page has a stylesheet and scripts of its own, forms and requests to where it comes from, and an icon.
    fileprivate static let playground: ContentSecurityPolicy = [
        .defaultSrc(.none),
        .styleSrc(.self),
        .scriptSrc(.self),
        .connectSrc(.self),
        .imgSrc(.uri("data:")),
        .formAction(.self),
        .frameAncestors(.none),
        .baseURI(.none),
    ]
}
