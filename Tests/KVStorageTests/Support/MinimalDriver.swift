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
        try self.withItems { $0[Array(key.utf8)]?.value }
    }

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try self.withItems { self.write(value, options, to: &$0[Array(key.utf8)]) }
    }

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        try self.withItems { $0.removeValue(forKey: Array(key.utf8)) != nil }
    }

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        try self.withItems { items in
            let key = Array(key.utf8)
            guard items[key]?.value == expected else { return .mismatch(current: items[key]?.value) }
            if let replacement {
                self.write(replacement, options, to: &items[key])
            } else {
                items[key] = nil
            }
            return .swapped
        }
    }

    func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        try self.withItems { items in
            guard items[Array(key.utf8)] != nil else { return false }
            let deadline = WriteOptions(ttl: ttl).deadline(at: self.clock.now)
            items[Array(key.utf8)]?.deadline = deadline
            self.sweep(after: deadline)
            return true
        }
    }

    func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        try self.withItems { items in
            items[Array(key.utf8)].map { ItemMeta(ttl: $0.deadline.map { self.clock.now.duration(to: $0) }) }
        }
    }

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        try self.withItems { items in
            let keys = items.keys.sorted { $0.lexicographicallyPrecedes($1) }.map {
                String(decoding: $0, as: UTF8.self)
            }
            let after = keys.filter { key in
                query.matches(key)
                    && (query.cursor.map { $0.utf8.lexicographicallyPrecedes(key.utf8) } ?? true)
            }
            let page = Array(after.prefix(query.limit))
            return KeyPage(keys: page, cursor: page.count < after.count ? page.last : nil)
        }
    }

    func dispose() async throws(StorageError) {
        self.state.withLock { $0.isClosed = true }
    }

    private func write(_ value: [UInt8], _ options: WriteOptions, to item: inout Item?) {
        let deadline = options.keepTTL && item != nil ? item?.deadline : options.deadline(at: self.clock.now)
        item = Item(value: value, deadline: deadline)
        self.sweep(after: deadline)
    }

    /// Removes what expires by the deadline once it has passed; whoever asks for an item does so too.
    private func sweep(after deadline: Timestamp?) {
        guard let deadline else { return }
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
        _ body: (inout [[UInt8]: Item]) -> Result
    ) throws(StorageError) -> Result {
        try self.state.withLock { state throws(StorageError) in
            if state.isClosed { throw StorageError(.closed, "the store was disposed; create a new one") }
            let now = self.clock.now
            state.items = state.items.filter { $0.value.deadline.map { $0 > now } ?? true }
            return body(&state.items)
        }
    }
}
