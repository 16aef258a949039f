import Hummingbird
import KVStorageHummingbird
import NIOCore
import Sessions

/// What goes with a request through middleware and handlers: its sessions, and that bodies are small forms.
struct PlaygroundContext: SessionRequestContext {
    var coreContext: CoreRequestContextStorage
    var sessionEvent: SessionEvent?
    let remoteAddress: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.remoteAddress = source.channel.remoteAddress
    }

    var requestDecoder: FormRequestDecoder { FormRequestDecoder() }

    var maxUploadSize: Int { 16 * 1024 }
}
