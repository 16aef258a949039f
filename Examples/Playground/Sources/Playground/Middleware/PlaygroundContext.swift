import Hummingbird
import Logging
import NIOCore
import Sessions

/// What goes with a request through middleware and handlers.
struct PlaygroundContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let remoteAddress: String?
    /// The request's session event, once ``SessionMiddleware`` made it.
    var event: SessionEvent?

    init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.remoteAddress = source.channel.remoteAddress?.ipAddress
    }

    var requestDecoder: URLEncodedFormDecoder { URLEncodedFormDecoder() }

    var maxUploadSize: Int { 16 * 1024 }
}

extension PlaygroundContext {
    /// Returns the request's session event.
    func requireEvent() throws -> SessionEvent {
        guard let event = self.event else {
            throw HTTPError(.internalServerError, message: "The route is not behind SessionMiddleware.")
        }
        return event
    }
}
