import KVStorage
import Synchronization

/// The least that a stranger has to write: no requirement that has a default, no events, no batches, no order.
final class MinimalDriver: StorageDriver {
    private struct Item {
        var value: [UInt8]
        var deadline: Timestamp?
    }

    private struct State {
        // By bytes: a dictionary of strings would take canonically equivalent keys for one.
        var items: [[UInt8]: Item] = [:]
        /// No item has an earlier deadline.
        var firstDeadline = Timestamp.distantFuture
        var isClosed = false
        var sweepsLeft: Int
    }

    let name = "minimal"
    let capabilities = Capabilities()
    private let clock: any StorageClock
    private let state: Mutex<State>

    /// Creates a driver that sweeps; with fewer `sweeps` than are needed it is a wrong one.
    init(clock: any StorageClock = .system, sweeps: Int = .max) {
        self.clock = clock
        self.state = Mutex(State(sweepsLeft: sweeps))
    }

    /// How many items are held, expired ones included.
    var storedCount: Int { self.state.withLock { $0.items.count } }

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try self.withItems { $0.items[Array(key.utf8)]?.value }
    }

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try self.withItems { self.write(Array(key.utf8), value, options, &$0) }
    }

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try self.withItems { $0.items.removeValue(forKey: Array(key.utf8)) != nil }
    }

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try self.withItems { state in
            let key = Array(key.utf8)
            guard state.items[key]?.value == expected else { return .mismatch(current: state.items[key]?.value) }
            if let replacement {
                self.write(key, replacement, options, &state)
            } else {
                state.items[key] = nil
            }
            return .swapped
        }
    }

    func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        try self.withItems { state in
            guard state.items[Array(key.utf8)] != nil else { return false }
            if ttl.keepsDeadline { return true }
            let deadline = ttl.deadline(at: self.clock.now)
            state.items[Array(key.utf8)]?.deadline = deadline
            self.sweep(after: deadline, &state)
            return true
        }
    }

    func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        let now = self.clock.now
        return try self.withItems { state in
            keys.map { key in
                state.items[Array(key.utf8)].map {
                    Entry(value: $0.value, meta: ItemMeta(deadline: $0.deadline, asOf: now, size: $0.value.count))
                }
            }
        }
    }

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try self.withItems { state in
            let keys = state.items.keys.map { String(decoding: $0, as: UTF8.self) }
            let after = keys.filter { key in
                query.matches(key) && (query.cursor.map { keyPrecedes($0, key) } ?? true)
            }.sorted(by: keyPrecedes)
            let page = Array(after.prefix(query.limit))
            return KeyPage(keys: page, cursor: page.count < after.count ? page.last : nil)
        }
    }

    func dispose() async throws(StorageError) {
        self.state.withLock { $0.isClosed = true }
    }

    private func write(_ key: [UInt8], _ value: [UInt8], _ options: WriteOptions, _ state: inout State) {
        let old = state.items[key]
        let deadline = options.keepsDeadline && old != nil ? old?.deadline : options.deadline(at: self.clock.now)
        state.items[key] = Item(value: value, deadline: deadline)
        self.sweep(after: deadline, &state)
    }

    /// Removes what expires by the deadline once it has passed; whoever asks for an item does so too.
    private func sweep(after deadline: Timestamp?, _ state: inout State) {
        guard let deadline else { return }
        state.firstDeadline = min(state.firstDeadline, deadline)
        Task.detached { [weak self, clock = self.clock] in
            while clock.now < deadline { try await clock.sleep(until: deadline) }
            self?.state.withLock { state in
                let isDue = state.items.values.contains { $0.deadline.map { $0 <= deadline } ?? false }
                guard isDue, state.sweepsLeft > 0 else { return }
                state.sweepsLeft -= 1
                state.items = state.items.filter { $0.value.deadline.map { $0 > deadline } ?? true }
            }
        }
    }

    /// Calls the body with the items that have not expired.
    private func withItems<Result: Sendable>(
        _ body: (inout State) -> Result
    ) throws(StorageError) -> Result {
        try self.state.withLock { state throws(StorageError) in
            if state.isClosed { throw StorageError(.closed, "the store was disposed; create a new one") }
            let now = self.clock.now
            if state.firstDeadline <= now {
                state.items = state.items.filter { $0.value.deadline.map { $0 > now } ?? true }
                state.firstDeadline = state.items.values.compactMap(\.deadline).min() ?? .distantFuture
            }
            return body(&state)
        }
    }
}
