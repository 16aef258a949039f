#if RedisTLSSupport
import KVStorage
import Synchronization

/// The context of a driver's encrypted connections; another one when the files that it was made of have changed.
final class TLSContexts: Sendable {
    private let configuration: RedisDriver.Configuration.TLS
    private let state: Mutex<(context: TLSContext, stamps: [RedisPlatform.FileStamp?])>

    /// - Throws: `StorageError.Code.invalidOption` if a certificate or a key can't be used.
    init(_ configuration: RedisDriver.Configuration.TLS) throws(StorageError) {
        self.configuration = configuration
        // Before they are read: what changes meanwhile is read again.
        let stamps = Self.stamps(configuration)
        let context = try TLSContext(configuration)
        self.state = Mutex((context, stamps))
    }

    /// The context for a new connection; reads the files if they have changed.
    var current: TLSContext {
        let (context, former) = self.state.withLock { $0 }
        let stamps = Self.stamps(self.configuration)
        // While they can't be used, as one was replaced and the other not yet, the former context goes on.
        guard stamps != former, let renewed = try? TLSContext(self.configuration) else { return context }
        self.state.withLock { $0 = (renewed, stamps) }
        return renewed
    }

    private static func stamps(_ configuration: RedisDriver.Configuration.TLS) -> [RedisPlatform.FileStamp?] {
        configuration.files.map(RedisPlatform.stamp(ofFile:))
    }
}
#endif
