import Synchronization

/// Whether the servers of a driver evict items to keep within their memory, as their handshakes told.
///
/// Shared by all connections of the driver. Of several nodes one that evicts is enough.
final class MemoryPolicy: Sendable {
    private let hasSeveralServers: Bool
    private let isEvicting = Atomic(false)

    init(hasSeveralServers: Bool) {
        self.hasSeveralServers = hasSeveralServers
    }

    var evicts: Bool { self.isEvicting.load(ordering: .relaxed) }

    /// Takes what `INFO memory` says: a limit of 0 is none, and with `noeviction` the server refuses writes instead. What a
    /// server does not say is not known, and changes nothing.
    func note(_ info: [UInt8]) {
        var limit: Substring?
        var policy: Substring?
        for line in String(decoding: info, as: UTF8.self).split(whereSeparator: \.isNewline) {
            if line.hasPrefix("maxmemory:") { limit = line.dropFirst("maxmemory:".count) }
            if line.hasPrefix("maxmemory_policy:") { policy = line.dropFirst("maxmemory_policy:".count) }
        }
        guard let limit, let policy else { return }
        let evicts = limit != "0" && policy != "noeviction"
        if evicts || !self.hasSeveralServers { self.isEvicting.store(evicts, ordering: .relaxed) }
    }
}
