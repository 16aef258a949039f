public import KVStorage

/// Items in a Redis server, version 6 or later, or in one that speaks its protocol.
///
/// An item is a plain string under `prefix:key`, its custom metadata another under `prefix:key$`: other clients,
/// unstorage's redis driver among them, read and write the same items. Calls of concurrent tasks share round trips on one
/// connection by themselves.
///
/// - Lifetimes are kept by the server, by its clock; a lifetime of more than 285,000 years becomes that long.
/// - What an acknowledged write survives beyond the end of this process is a matter of the server's persistence
///   (`appendonly`, `save`); without any, an item is gone when the server stops.
/// - A server with a limit on its memory and a policy other than `noeviction` may drop items before their time.
/// - Only strings are listed and cleared; what other clients keep below the prefix in other types stays. `setItem` replaces it,
///   as `SET` does; calls that read, and `removeItem` with metadata, refuse it with `StorageError.Code.incompatibleFormat`.
/// - A client that knows nothing of metadata removes an item without it, and so does a server that evicts. A driver that has met
///   metadata takes such a leftover from the next item of the name. One that has not, or one of a cluster, does so for
///   `incrementItem` with a lifetime and for batches that keep lifetimes only: `setItem` would cost the server twice as much.
///
/// A lost connection is made again by itself. Reads that were cut off are repeated, twice at most; one that may be what
/// broke the connection goes by itself then, so that it takes nobody along. Writes that were not sent are sent then; one
/// that may have run throws `StorageError.Code.connectionLost` and is never repeated.
///
/// A server that was demoted to a replica, or is a replica without its master, refuses what it is sent, and the connection to
/// it ends: its name is looked up again, so that calls follow a failover by name, by load balancer or by managed service. What
/// was refused is sent again within the call's time; a write that finds replicas only throws `StorageError.Code.readOnly` then.
/// With a `redis-sentinel://` URL the sentinels are asked for each connection, the server has to say itself that it is a master
/// (`ROLE`, unless its user may not ask), and one sentinel is listened to (`+switch-master`), so that a former master is left
/// even if it still answers. Sentinels other than those in the URL are not looked for.
///
/// In a cluster an item is kept by the node that has its slot, and each node is given connections of its own. Calls on many
/// items go to all nodes at the same time; a batch is all-or-nothing only if the prefix has a hash tag, as in
/// `{orders}`, which keeps all items on one node. When a master dies, calls wait for a replica to take over, until their
/// time is over: see ``Configuration/commandTimeout``, whose default is shorter than Redis takes by default. What the dead
/// master had acknowledged and not yet passed on is lost, as Redis replicates afterwards.
///
/// In a cluster a call on many items that was done in part, or may have been, throws `StorageError.Code.partlyDone`. Listings
/// and `clear` miss no item that moves to another node meanwhile. While a slot moves, calls on an item and its metadata that
/// are not on one node just then wait until they are, and so do batches of several items of the slot; calls on items without
/// metadata go on.
///
/// If the task is cancelled, a call that was not sent throws `StorageError.Code.cancelled`, and so does a read. A write
/// that was sent waits for its answer, at most for ``Configuration/commandTimeout``, so that its caller knows.
public final class RedisDriver: StorageDriver {
    /// `redis`.
    public let name = "redis"
    /// Atomic batches, atomic calls between processes, custom metadata, others' changes; keys in no order.
    public let capabilities: Capabilities
    /// Tells of changes by the server's notifications; `nil` if configured to tell only of own writes.
    public var events: EventHub? { self.watcher?.events }

    let client: any Client
    let keys: Keys
    let listings: Listings
    let watcher: Watcher?
    let defaultTTL: Duration?
    /// Whether items may have custom metadata beside them.
    let customMetadata: Bool
    let knowledge = Knowledge()

    init(_ url: String, _ configuration: Configuration) throws(StorageError) {
        try configuration.validate()
        let url = try URL(url)
        if url.isCluster { try configuration.validateForCluster(url) }
        var options = configuration.options(for: url)
        options.secure = try configuration.security(for: url)
        try configuration.validateLogin(url)
        options.sentinels = configuration.sentinels(for: url, options)
        self.keys = Keys(prefix: configuration.prefix, isCluster: url.isCluster)
        if url.isCluster {
            let seeds = url.endpoints
            self.client = Cluster(
                options,
                seeds: seeds,
                connections: configuration.connections,
                self.keys,
                readsFrom: configuration.readsFrom
            )
        } else {
            try Configuration.require(
                configuration.readsFrom == .master,
                "readsFrom: .replica is for redis-cluster:// and rediss-cluster:// URLs only")
            self.client = try ServerClient(options, connections: configuration.connections)
        }
        self.listings = Listings(scanCount: configuration.scanCount)
        self.defaultTTL = configuration.defaultTTL
        self.customMetadata = configuration.customMetadata
        let watching = configuration.watching ?? (url.isCluster ? .ownWrites : .notifications)
        self.watcher = Watcher(options, self.keys, self.client, watching)
        var capabilities = Capabilities(
            atomicBatch: !url.isCluster || self.keys.areTogether,
            interprocess: true,
            customMetadata: configuration.customMetadata,
            watching: watching == .ownWrites ? .none : .external,
            durability: .processCrash,
            maximumValueBytes: Self.maximumBytes
        )
        capabilities.readsMayBeOld = configuration.readsFrom == .replica
        self.capabilities = capabilities
    }

    /// `proto-max-bulk-len`: a server closes the connection on more.
    static let maximumBytes = 512 << 20

    /// Returns the item's bytes by `GET`.
    public func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let reply = try await self.client.read(key, .one) { writer in
            writer.encoded("*2\r\n$3\r\nGET\r\n")
            self.keys.write(key, to: &writer)
        }
        return try reply.bytesOrNull(key)
    }

    /// Returns whether the item is there, by `EXISTS`.
    public func hasItem(_ key: String) async throws(StorageError) -> Bool {
        let reply = try await self.client.read(key, .one) { writer in
            writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
            self.keys.write(key, to: &writer)
        }
        return try reply.integer(key) > 0
    }

    /// Stores the bytes by `SET`, with `PX` for a lifetime; whatever else another program kept there is replaced.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try Self.checkSize(key, value)
        let options = self.options(options)
        if options.keepsOrCreates || self.dropsLeftovers {
            let ttl = options.milliseconds
            _ = try await self.run(.set, key, arguments: 3) { writer in
                writer.word(value)
                writer.optionalWord(ttl)
                writer.word(options.keepTTL ? "1" : "0")
            }.integer(key)
            return
        }
        guard self.customMetadata else {
            let reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                self.writeSet(key, value, options, to: &writer)
            }
            return try reply.expectOK(key)
        }
        let reply = try await self.client.send(key, .each(2), isRepeatable: false) { writer in
            self.writeMetaLifeTime(key, options, to: &writer)
            self.writeSet(key, value, options, to: &writer)
        }
        try reply.expectOK(key)
    }

    /// Removes the item with its metadata.
    ///
    /// - Throws: `StorageError.Code.incompatibleFormat` if another program keeps something other than a string there, which
    ///   stays; without ``Configuration/customMetadata`` that is removed like an item.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        guard !self.customMetadata else { return try await self.run(.remove, key).integer(key) > 0 }
        return try await self.client.send(key, .one, isRepeatable: false) { writer in
            writer.encoded("*2\r\n$6\r\nUNLINK\r\n")
            self.keys.write(key, to: &writer)
        }.integer(key) > 0
    }

    /// Finishes what was accepted and closes the connections.
    public func dispose() async throws(StorageError) {
        await self.client.close()
        await self.watcher?.close()
    }

    // MARK: - Parts

    /// Writes the command that stores an item.
    func writeSet(_ key: String, _ value: [UInt8], _ options: WriteOptions, to writer: inout CommandWriter) {
        let ttl = options.milliseconds
        writer.begin(ttl != nil ? 5 : options.keepTTL ? 4 : 3)
        writer.encoded("$3\r\nSET\r\n")
        self.keys.write(key, to: &writer)
        writer.word(value)
        if let ttl {
            writer.encoded("$2\r\nPX\r\n")
            writer.word(ttl)
        } else if options.keepTTL {
            writer.encoded("$7\r\nKEEPTTL\r\n")
        }
    }

    /// Writes the command that gives metadata the same lifetime, which goes before the item's: where a connection breaks in
    /// between, metadata may be gone before its item, and never stay behind.
    func writeMetaLifeTime(_ key: String, _ options: WriteOptions, to writer: inout CommandWriter) {
        if let ttl = options.milliseconds {
            writer.encoded("*3\r\n$7\r\nPEXPIRE\r\n")
            self.keys.writeMeta(key, to: &writer)
            writer.word(ttl)
        } else if options.keepTTL {
            // An answer that costs nothing, so that every way has as many.
            writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
            self.keys.write(key, to: &writer)
        } else {
            writer.encoded("*2\r\n$7\r\nPERSIST\r\n")
            self.keys.writeMeta(key, to: &writer)
        }
    }

    /// Runs a script on an item, and on its metadata where there may be any.
    func run(
        _ script: Script,
        _ key: String,
        onlyReads: Bool = false,
        arguments count: Int = 0,
        _ arguments: @Sendable (inout CommandWriter) -> Void = { _ in }
    ) async throws(StorageError) -> Reply {
        try await self.client.run(script, key, onlyReads: onlyReads, words: (self.customMetadata ? 2 : 1) + count) {
            writer in
            writer.encoded(self.customMetadata ? "$1\r\n2\r\n" : "$1\r\n1\r\n")
            self.keys.write(key, to: &writer)
            if self.customMetadata { self.keys.writeMeta(key, to: &writer) }
            arguments(&writer)
        }
    }

    /// Whether every write takes from a new item what metadata its predecessor left: in one script, which costs the server
    /// twice as much as `SET`, so only once this driver has met metadata. In a cluster, where a slot that moves would hold up
    /// scripts on two keys, it does not.
    var dropsLeftovers: Bool {
        self.customMetadata && !self.keys.isCluster && self.knowledge.hasMetadata
    }

    func options(_ options: WriteOptions) -> WriteOptions {
        WriteOptions(ttl: options.ttl ?? self.defaultTTL, keepTTL: options.keepTTL)
    }

    static func checkSize(_ key: String, _ value: [UInt8]) throws(StorageError) {
        guard value.count <= Self.maximumBytes, key.utf8.count <= Self.maximumBytes else {
            throw StorageError(.tooLarge, "Redis takes keys and values of at most 512 MiB; store less", key: key)
        }
    }
}
