#if HummingbirdSupport
public import Hummingbird
public import NIOCore
public import Sessions

/// A request context for pages with forms: as ``BasicSessionRequestContext``, and `request.decode(as:context:)` reads HTML
/// forms as well as JSON.
///
///     struct LoginForm: Decodable { var name: String; var password: String }
///
///     let router = Router(context: FormSessionRequestContext.self)
///     router.post("login") { request, context in
///         let form = try await request.decode(as: LoginForm.self, context: context)
///         …
///     }
///
/// A context of the application's own does the same by `var requestDecoder: FormRequestDecoder { FormRequestDecoder() }`.
public struct FormSessionRequestContext: SessionRequestContext {
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

    /// Reads forms and JSON.
    public var requestDecoder: FormRequestDecoder { FormRequestDecoder() }
}
#endif
