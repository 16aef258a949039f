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
    let router = Router(context: PlaygroundContext.self)
    router.add(middleware: ContentSecurityMiddleware(contentSecurityPolicy: .playground))
    router.add(middleware: ErrorPages())
    router.add(middleware: SameOriginMiddleware())
    router.addRoutes(StylesheetRoutes().routes)

    let pages = router.group()
    pages.add(middleware: SessionMiddleware(sessions))
    pages.addRoutes(VisitorRoutes(store: settings.store, statistics: storage.prefixed("statistics")).routes)

    var logger = Logger(label: "playground")
    logger.logLevel = .notice
    return Application(
        router: router,
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

extension ContentSecurityPolicy {
    /// The page has one stylesheet of its own, forms that post to it, an icon, and no script.
    fileprivate static let playground: ContentSecurityPolicy = [
        .defaultSrc(.none),
        .styleSrc(.self),
        .imgSrc(.uri("data:")),
        .formAction(.self),
        .frameAncestors(.none),
        .baseURI(.none),
    ]
}
