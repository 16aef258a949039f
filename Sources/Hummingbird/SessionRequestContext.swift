#if HummingbirdSupport
public import Hummingbird
public import NIOCore
public import Sessions

/// A request context that carries the request's sessions.
///
///     struct Context: SessionRequestContext {
///         var coreContext: CoreRequestContextStorage
///         var sessionEvent: SessionEvent?
///         let remoteAddress: SocketAddress?
///
///         init(source: ApplicationRequestContextSource) {
///             self.coreContext = CoreRequestContextStorage(source: source)
///             self.remoteAddress = source.channel.remoteAddress
///         }
///     }
///
/// ``BasicSessionRequestContext`` is that and no more, ``FormSessionRequestContext`` reads forms as well.
public protocol SessionRequestContext: RemoteAddressRequestContext {
    /// The request's event; set by ``SessionMiddleware``. Handlers use ``event``.
    var sessionEvent: SessionEvent? { get set }
}

extension SessionRequestContext {
    /// The event to give to the session functions: `try await getSession(context.event, as: Visits.self)`.
    ///
    /// - Throws: `SessionError` with the code `notStarted` where no ``SessionMiddleware`` stands before the handler.
    public var event: SessionEvent {
        get throws(SessionError) {
            guard let event = self.sessionEvent else {
                throw SessionError(
                    .notStarted, "no SessionMiddleware stands before this handler; add one to the router")
            }
            return event
        }
    }
}

/// A request context with nothing but what Hummingbird and the sessions need.
public struct BasicSessionRequestContext: SessionRequestContext {
    /// What Hummingbird keeps.
    public var coreContext: CoreRequestContextStorage
    /// The request's event.
    public var sessionEvent: SessionEvent?
    /// The address of the connection's other end.
    public let remoteAddress: SocketAddress?

    /// Creates the context of a request.
    public init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.remoteAddress = source.channel.remoteAddress
    }
}
#endif
