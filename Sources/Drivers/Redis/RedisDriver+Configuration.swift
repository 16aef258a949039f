import KVStorage

extension RedisDriver {
    /// How a ``RedisDriver`` reaches its server and what it does when it can't; the defaults suit a server nearby.
    public struct Configuration: Sendable {
        /// Which changes `watch` emits.
        public enum Watching: Sendable, Hashable {
            /// Everybody's, by the server's keyspace notifications.
            ///
            /// The server has to have them switched on: `notify-keyspace-events "Kg$xe"`, or more. If it has not, `watch`
            /// throws `StorageError.Code.notSupported`. They are looked at again after each reconnect: if they are off by then,
            /// the streams end. That they are switched off while the connection lasts goes unseen.
            ///
            /// The server does not say what kind of key was removed: the removal of something other than an item that another
            /// program keeps under an item's name is emitted as well.
            case notifications
            /// Everybody's; where the server's notifications are off, `watch` switches on what is missing by `CONFIG SET`, for
            /// all clients, and again after each reconnect. What is on already stays on.
            case switchingNotificationsOn
            /// Everybody's; the server is not asked whether its notifications are on. For servers that allow no `CONFIG`.
            case assumingNotifications
            /// Only writes through the same `Storage`; expiry is not told.
            case ownWrites
        }

        /// The user for `AUTH`; by default the one in the URL, if any.
        public var username: String?

        /// The password for `AUTH`; by default the one in the URL, if any. Nothing that describes, prints or dumps the
        /// configuration shows it.
        public var password: String? {
            get { self.secret?.value }
            set { self.secret = newValue.map { Secret($0) } }
        }

        var secret: Secret?

        /// Whom to log in as, asked anew for each connection instead of a fixed user and password, which may not be given
        /// then; by default `nil`. For tokens that expire and passwords that change.
        ///
        /// It runs in a task of its own, within ``connectTimeout``; one that takes longer is not run a second time meanwhile.
        /// If it throws, or the server denies access, it is asked again after ``reconnectDelay`` while calls wait. The third
        /// denial in a row throws `StorageError.Code.permissionDenied`; what it throws is the `underlying` error of
        /// `StorageError.Code.unavailable`, whose message names its type alone. Connections that are made stay as they are.
        /// In a cluster each node's connections ask, and so does each look at the topology: have it keep its token for a while.
        public var credentials: (@Sendable () async throws -> Credentials)?

        /// Whom to log in as at the sentinels of a `redis-sentinel://` URL, which have passwords of their own; by default
        /// `nil`, for none.
        public var sentinelCredentials: Credentials?

        /// Observes connections, commands and failovers; by default `nil`, which costs nothing. With one each command
        /// costs two readings of the clock more and a moment under the connection's lock.
        public var observer: (any RedisObserver)?

        /// How the server is verified, for `rediss://`, `rediss-cluster://` and `rediss-sentinel://` only; by default
        /// `nil`, for the defaults of ``TLS``.
        public var tls: TLS?

        /// The number of the database for `SELECT`; by default the one in the URL, else 0. A cluster has 0 only.
        public var database: Int?

        /// What stands before every key in the server, with a colon between; empty, nothing, by default.
        ///
        /// A colon at the end makes no difference. As unstorage's `base`. In a cluster a prefix with a hash tag, as in
        /// `{orders}`, keeps all items on one node; otherwise it may hold no braces.
        public var prefix = ""

        /// The name by which `CLIENT LIST` shows the connections, `"kvstorage"` by default; `nil` for none. No spaces.
        public var clientName: String? = "kvstorage"

        /// How many connections the commands are spread over, 1 by default; in a cluster for each node.
        ///
        /// One carries hundreds of tasks, as they share its round trips. More help where large values would make small ones
        /// wait, or where one thread can't keep up.
        public var connections = 1

        /// How long an attempt to connect may take, five seconds by default: asking the sentinels and for credentials, looking
        /// up the name, connecting, logging in. Where a name has several addresses each has its share of what is left, and
        /// one that failed comes last the next time; of the sentinels, each has its share of half of it.
        /// In a cluster at most a third of ``commandTimeout``, so that there is time to turn to another node.
        public var connectTimeout: Duration = .seconds(5)

        /// How long a command may take, five seconds by default, waiting for the connection included.
        ///
        /// A command that was not sent by then throws `StorageError.Code.unavailable` with what kept it, and changes nothing.
        /// One that was sent throws `StorageError.Code.timeout`; a write may have run then. A server that owes replies is
        /// taken for dead when no byte came or went for that long: the connection is made anew.
        ///
        /// For calls to wait for a failover it has to be longer than one takes: in a cluster Redis' `cluster-node-timeout`,
        /// 15 seconds by default, and some seconds for the election, so 20 to 30 seconds; with sentinels
        /// `down-after-milliseconds`, 30 seconds by default, and some seconds. With the five seconds of the default, calls to a
        /// master that died end with `StorageError.Code.unavailable` until its successor is there.
        public var commandTimeout: Duration = .seconds(5)

        /// How many commands may wait on one connection, sent or not, 65,536 by default; more throw
        /// `StorageError.Code.overloaded`.
        public var maximumQueuedCommands = 65_536

        /// How many bytes of commands may wait on one connection, 256 MiB by default; a command that comes when there are
        /// that many already throws `StorageError.Code.overloaded`.
        public var maximumQueuedBytes = 256 << 20

        /// How long to wait before connecting again after an attempt has failed, 20 milliseconds to two seconds by default:
        /// twice as long each time, less up to half of it by chance.
        public var reconnectDelay: ClosedRange<Duration> = .milliseconds(20)...(.seconds(2))

        /// After how much silence the system asks whether the server's machine is still there (TCP keep-alive), and how long
        /// it waits for what was sent to be confirmed; one minute by default, `nil` for the system's own settings.
        public var keepAlive: Duration? = .seconds(60)

        /// How many keys the server looks at for one `SCAN`, 1000 by default. More mean fewer round trips; the server serves
        /// nobody else meanwhile.
        public var scanCount = 1000

        /// Which changes `watch` emits; by default `nil`, for ``Watching/notifications`` with one server and
        /// ``Watching/ownWrites`` with a cluster.
        ///
        /// Each master of a cluster notifies of its own items: events of items on different masters may come in another order
        /// than the writes, so those of a cluster's notifications have to be asked for. Masters that come and go are followed,
        /// and the gap is told.
        public var watching: Watching?

        /// Where a cluster's items are read; by default ``ReadPreference/master``, with which a read is never older than an
        /// acknowledged write. ``ReadPreference/replica`` is for `redis-cluster://` and `rediss-cluster://` URLs only.
        public var readsFrom = ReadPreference.master

        /// Whether items may have custom metadata, `true` by default.
        ///
        /// With metadata an item is two keys, its own and one with a `$`, and each write concerns both: `SET` and a second
        /// command that keeps the metadata's lifetime the item's, or a script on the two.
        ///
        /// With `false` an item is one key, and a write is one command on it (`SET`; for a compare-and-swap `SET … IFEQ` where
        /// the server has that, else a script). That costs the server about half, and in a cluster calls on an item go on while
        /// its slot moves to another node, where those on two keys wait for the end of it. `setMeta` throws
        /// `StorageError.Code.notSupported`, and the capability `.customMetadata` is not declared. Metadata that was kept before stays
        /// in the server, unread, until a driver with metadata removes or clears its item.
        public var customMetadata = true

        /// Creates the default configuration.
        public init() {}
    }
}

extension RedisDriver.Configuration {
    func validate() throws(StorageError) {
        try Self.require(self.connections > 0, "connections must be at least 1")
        try Self.require(self.connectTimeout > .zero, "connectTimeout must be positive")
        try Self.require(self.commandTimeout > .zero, "commandTimeout must be positive")
        try Self.require(self.maximumQueuedCommands > 0, "maximumQueuedCommands must be at least 1")
        try Self.require(self.maximumQueuedBytes > 0, "maximumQueuedBytes must be at least 1")
        try Self.require(self.reconnectDelay.lowerBound > .zero, "reconnectDelay must be positive")
        try Self.require(self.keepAlive.map { $0 >= .seconds(1) } ?? true, "keepAlive must be at least one second")
        try Self.require(self.scanCount > 0, "scanCount must be at least 1")
        try Self.require(self.database.map { $0 >= 0 } ?? true, "database must not be negative")
        let isVisible = self.clientName?.utf8.allSatisfy { (0x21...0x7E).contains($0) } ?? true
        try Self.require(isVisible, "clientName must consist of visible ASCII characters without spaces")
    }

    /// Who tells where the server is, if the URL names sentinels.
    func sentinels(for url: URL, _ options: Connection.Options) -> Sentinels? {
        guard let service = url.service else { return nil }
        var options = options
        options.username = self.sentinelCredentials?.username
        options.password = self.sentinelCredentials?.secret
        options.credentials = nil
        options.database = 0
        return Sentinels(service, url.endpoints, options)
    }

    /// Checks that what the configuration and the URL say of the login goes together.
    func validateLogin(_ url: URL) throws(StorageError) {
        let username = self.username ?? url.username
        let password = self.secret ?? url.password
        try Self.require(username == nil || password != nil, "a username needs a password")
        try Self.require(
            self.credentials == nil || (username == nil && password == nil),
            "credentials stand instead of a fixed user and password; give one of the two")
        try Self.require(
            self.sentinelCredentials == nil || url.service != nil,
            "sentinelCredentials is for redis-sentinel:// and rediss-sentinel:// URLs only")
    }

    func validateForCluster(_ url: URL) throws(StorageError) {
        try Self.require((self.database ?? url.database ?? 0) == 0, "a cluster has database 0 only")
        let keys = Keys(prefix: self.prefix)
        let hasBraces = keys.prefix.contains(UInt8(ascii: "{")) || keys.prefix.contains(UInt8(ascii: "}"))
        try Self.require(
            !hasBraces || keys.areTogether,
            "in a cluster the prefix's braces must be those of a hash tag, as in {orders}; else it may have none"
        )
    }

    /// Returns what encrypts the connections, if the URL asks for that.
    func security(for url: URL) throws(StorageError) -> Connection.Options.Security? {
        guard url.isEncrypted else {
            try Self.require(
                self.tls == nil, "tls is for rediss://, rediss-cluster:// and rediss-sentinel:// URLs only")
            return nil
        }
        // For OpenSSL an empty name would mean any.
        let isName = self.tls?.serverName.map { !$0.isEmpty && !$0.utf8.contains(0) } ?? true
        try Self.require(isName, "tls.serverName is no name; nil means the host that is connected to")
        #if RedisTLSSupport
        let contexts = try TLSContexts(self.tls ?? TLS())
        return { TLSTransport($0, to: $1, contexts.current) }
        #else
        throw StorageError(
            .notSupported,
            "a URL that begins with rediss (\(url.endpoints[0])) needs the trait RedisTLSSupport: add it "
                + "to `traits:` of your .package(…) for kv-storage"
        )
        #endif
    }

    static func require(_ isMet: Bool, _ message: String) throws(StorageError) {
        guard isMet else { throw StorageError(.invalidOption, message) }
    }
}

extension RedisDriver.Configuration {
    /// What a connection needs to know of the configuration.
    func options(for url: URL) -> Connection.Options {
        Connection.Options(
            endpoint: url.endpoints[0],
            username: self.username ?? url.username,
            password: self.secret ?? url.password,
            credentials: self.credentials,
            observer: self.observer,
            database: self.database ?? url.database ?? 0,
            clientName: self.clientName,
            connectTimeout: url.isCluster ? min(self.connectTimeout, self.commandTimeout / 3) : self.connectTimeout,
            commandTimeout: self.commandTimeout,
            maximumCommands: self.maximumQueuedCommands,
            maximumBytes: self.maximumQueuedBytes,
            reconnectDelay: self.reconnectDelay,
            keepAlive: self.keepAlive,
            failsFast: url.isCluster
        )
    }
}
