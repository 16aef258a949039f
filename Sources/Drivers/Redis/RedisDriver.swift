public import KVStorage

/// Items in a Redis server, version 6 or later, or in one that speaks its protocol.
///
/// An item is a plain string under `prefix:key`, its custom metadata another under `prefix:key$`: other clients,
/// unstorage's redis driver among them, read and write the same items. Calls of concurrent tasks share round trips on one
/// connection by themselves.
///
/// - Lifetimes are kept by the server, by its clock; a lifetime of more than 285,000 years becomes that long. Deadlines are by
///   this machine's clock: the server is told, and tells, how long that still is, so that it does no harm where the two differ.
/// - What an acknowledged write survives beyond the end of this process is a matter of the server's persistence
///   (`appendonly`, `save`); without any, an item is gone when the server stops.
/// - A server with a limit on its memory and a policy other than `noeviction` may drop items before their time.
/// - Only strings are listed and cleared; what other clients keep below the prefix in other types stays. `setItem` replaces it,
///   as `SET` does; calls that read, and `removeItem` with metadata, refuse it with `StorageError.Code.incompatibleFormat`.
/// - A client that knows nothing of metadata removes an item without it, and so does a server that evicts. A driver that has met
///   metadata takes such a leftover from the next item of the name. One that has not, or one of a cluster, does so for
///   batches, commits and `incrementItem` with a lifetime only: `setItem` would cost the server twice as much.
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
/// `{orders}`, which keeps all items on one node. A commit takes keys of one slot only, which a hash tag in the prefix or in the
/// keys gives them. When a master dies, calls wait for a replica to take over, until their
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
    /// Commits, and batches that are seen whole, unless a cluster's items have several slots; atomic calls between processes,
    /// custom metadata, others' changes; keys in no order.
    ///
    /// A server that has a `maxmemory` and a policy that evicts is known for one from the first connection on: then `.evicts` is
    /// among them. Who may not ask `INFO memory` does not learn of it.
    public var capabilities: Capabilities {
        var capabilities = self.configuredCapabilities
        if self.memoryPolicy.evicts { capabilities.features.insert(.evicts) }
        return capabilities
    }
    private let configuredCapabilities: Capabilities
    private let memoryPolicy: MemoryPolicy
    /// Tells of changes by the server's notifications; `nil` if configured to tell only of own writes.
    ///
    /// Causes of removals are the server's: `expired` and `evicted` are told as such (the latter if
    /// `notify-keyspace-events` has an `e`), every other is `removed`. A replica calls everything a deletion, as that is what
    /// its master sends it; so does a cluster's node an item that moves to another, where an update follows.
    public var events: EventHub? { self.watcher?.events }

    let client: any Client
    let keys: Keys
    let listings: Listings
    let watcher: Watcher?
    /// Whether items may have custom metadata beside them.
    let customMetadata: Bool
    let knowledge = Knowledge()

    /// Creates a driver for the server, cluster or service that the URL names: see `StorageDriver.redis(_:_:)`.
    ///
    /// No connection is made before the first call needs one.
    /// - Throws: `StorageError.Code.invalidOption` if the URL or the configuration can't be honoured.
    public init(_ url: String, _ configuration: Configuration = Configuration()) throws(StorageError) {
        try configuration.validate()
        let url = try URL(url)
        if url.isCluster { try configuration.validateForCluster(url) }
        var options = configuration.options(for: url)
        options.secure = try configuration.security(for: url)
        try configuration.validateLogin(url)
        options.sentinels = configuration.sentinels(for: url, options)
        self.memoryPolicy = MemoryPolicy(hasSeveralServers: url.isCluster)
        options.memoryPolicy = self.memoryPolicy
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
        self.customMetadata = configuration.customMetadata
        let watching = configuration.watching ?? (url.isCluster ? .ownWrites : .notifications)
        self.watcher = Watcher(options, self.keys, self.client, watching)
        var features: Capabilities.Feature = [.interprocess]
        if !url.isCluster || self.keys.areTogether { features.formUnion([.atomicCommit, .wholeReads]) }
        if configuration.customMetadata { features.insert(.customMetadata) }
        if configuration.readsFrom == .replica { features.insert(.readsMayBeOld) }
        self.configuredCapabilities = Capabilities(
            features,
            watching: watching == .ownWrites ? .none : .external,
            durability: .processCrash,
            maximumValueBytes: Self.maximumBytes
        )
    }

    /// `proto-max-bulk-len`: a server closes the connection on more.
    static let maximumBytes = 512 << 20

    /// Finishes what was accepted and closes the connections.
    public func dispose() async throws(StorageError) {
        await self.client.close()
        await self.watcher?.close()
    }
}

extension StorageDriver where Self == RedisDriver {
    /// Items in a Redis server, or in one that speaks its protocol.
    ///
    /// The URL is one of
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`, the port being 6379 and the database 0 by default; an IPv6
    ///   address stands in brackets;
    /// - `rediss://…`, the same over TLS; needs the package's trait `RedisTLSSupport`, and OpenSSL's `libssl-dev`;
    /// - `redis-cluster://[[user]:password@]host[:port][,host[:port]…]` for a cluster, of which some nodes are named: one of
    ///   them has to be there to tell of the others, which are reached where they say that they are;
    /// - `rediss-cluster://…`, the same over TLS to every node, as `rediss://`; the cluster needs `tls-cluster yes`, by which
    ///   its nodes tell each other's TLS ports;
    /// - `redis-sentinel://[[user]:password@]host[:port][,host[:port]…]/service[/database]` for the master of a service that
    ///   sentinels watch over, the port being 26379 by default. User and password are the servers'; the sentinels' own are
    ///   ``RedisDriver/Configuration/sentinelCredentials``;
    /// - `rediss-sentinel://…`, the same over TLS to sentinels and servers;
    /// - `unix://[[user]:password@]/path/to/socket[?db=database]`.
    ///
    /// User, password, host, service and path may be percent-encoded. What the configuration gives goes before what the URL gives.
    /// No connection is made before the first call needs one.
    /// - Throws: `StorageError.Code.invalidOption` if the URL or the configuration can't be honoured.
    public static func redis(
        _ url: String,
        _ configuration: RedisDriver.Configuration = RedisDriver.Configuration()
    ) throws(StorageError) -> RedisDriver {
        try RedisDriver(url, configuration)
    }
}
