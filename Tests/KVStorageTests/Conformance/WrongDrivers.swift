import KVStorage
import Synchronization

// Each keeps all promises but one.

/// Forgets lifetimes, as unstorage's file driver does.
struct ForgetsLifeTimes: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.wrapped.setItem(key, value, WriteOptions())
    }
}

/// Ignores that an item is to keep its deadline.
struct IgnoresKeepTTL: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let options = WriteOptions(ttl: options.ttl)
        return try await self.wrapped.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
    }
}

/// Clears every key that begins like the base, siblings and the item itself included.
struct OverClears: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let prefix = String(base.dropLast())
        let keys = try await self.wrapped.getKeys(KeyQuery(limit: 100_000)).keys.filter { $0.hasPrefix(prefix) }
        return try await self.wrapped.apply(keys.map(Mutation.remove(key:)))
    }
}

/// Clears no deeper than one level.
struct UnderClears: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let depth = base.count { $0 == ":" }
        let keys = try await self.wrapped.getKeys(KeyQuery(base: base, maxDepth: depth, limit: 100_000)).keys
        return try await self.wrapped.apply(keys.map(Mutation.remove(key:)))
    }
}

/// Takes the base for an SQL pattern, in which `_` is any character and `%` any text.
struct ClearsByPattern: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let keys = try await self.wrapped.getKeys(KeyQuery(limit: 100_000)).keys
        let matching = keys.filter { Self.matches(Array("\(base)%")[...], Array($0)[...]) }
        return try await self.wrapped.apply(matching.map(Mutation.remove(key:)))
    }

    private static func matches(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "%" {
            return text.indices.contains { self.matches(pattern.dropFirst(), text[$0...]) }
                || self.matches(pattern.dropFirst(), [])
        }
        guard let character = text.first, first == "_" || first == character else { return false }
        return self.matches(pattern.dropFirst(), text.dropFirst())
    }
}

/// Compares and swaps in two steps.
struct LosesUpdates: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let current = try await self.wrapped.getItem(key)
        await Task.yield()
        guard current == expected else { return .mismatch(current: current) }
        if let replacement {
            try await self.wrapped.setItem(key, replacement, options)
        } else if expected != nil {
            _ = try await self.wrapped.removeItem(key)
        }
        return .swapped
    }
}

/// Takes "no item expected" for "anything expected".
struct SwapsAnything: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let expected = try await expected == nil ? self.wrapped.getItem(key) : expected
        return try await self.wrapped.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
    }
}

/// Begins each page with the key that ended the page before.
struct ListsTwice: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var page = try await self.wrapped.getKeys(query)
        if let cursor = query.cursor, query.limit > 1 { page.keys.insert(cursor, at: 0) }
        return page
    }
}

/// Ends a listing with the first page.
struct ListsOnePage: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        KeyPage(keys: try await self.wrapped.getKeys(query).keys)
    }
}

/// Counts depths from the base instead of from the root.
struct CountsDepthFromBase: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var query = query
        // Never more than asked, as `Storage` filters, but less: the listing stops a level early.
        query.maxDepth = query.maxDepth.map { query.base.isEmpty ? $0 : max($0 - 1, 0) }
        return try await self.wrapped.getKeys(query)
    }
}

/// Keeps metadata beside the items, where removing an item does not reach it, as unstorage does.
struct KeepsMetadata: StorageDriverWrapper {
    let wrapped: any StorageDriver
    private let fields = Fields()

    init(wrapped: any StorageDriver) {
        self.wrapped = wrapped
    }

    private final class Fields: Sendable {
        let all = Mutex<[String: [UInt8]]>([:])
    }

    func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        guard try await self.wrapped.setMeta(key, nil) else { return false }
        self.fields.all.withLock { $0[key] = fields }
        return true
    }

    func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        guard var meta = try await self.wrapped.getMeta(key) else { return nil }
        meta.fieldBytes = self.fields.all.withLock { $0[key] }
        return meta
    }
}

/// Takes keys for the same that Unicode says are equivalent, as some file systems do.
struct FoldsKeys: StorageDriverWrapper {
    let wrapped: any StorageDriver
    private let spellings = Spellings()

    init(wrapped: any StorageDriver) {
        self.wrapped = wrapped
    }

    private final class Spellings: Sendable {
        private let first = Mutex<[String: String]>([:])

        /// Returns the spelling that came first.
        func callAsFunction(_ key: String) -> String {
            self.first.withLock { first in
                if let spelling = first[key] { return spelling }
                first[key] = key
                return key
            }
        }
    }

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.wrapped.setItem(self.spellings(key), value, options)
    }

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.wrapped.getItem(self.spellings(key))
    }
}

/// Writes a batch item by item, and says that it were atomic.
struct TearsBatches: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        var removed = 0
        for mutation in mutations {
            removed += try await self.wrapped.apply([mutation])
            await Task.yield()
        }
        return removed
    }
}

/// Answers a batch of keys in order, without those that come again.
struct DropsDuplicates: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var seen: Set<String> = []
        let values = try await self.wrapped.getItems(keys)
        return zip(keys, values).map { seen.insert($0).inserted ? $1 : nil }
    }
}

/// Keeps values as text.
struct KeepsText: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.wrapped.getItem(key).map { Array(String(decoding: $0, as: UTF8.self).utf8) }
    }
}

/// Takes an empty value for none.
struct LosesEmptyValues: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let value = try await self.wrapped.getItem(key)
        return value?.isEmpty == true ? nil : value
    }
}

/// Says of every removal that the item was there.
struct ClaimsRemovals: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        _ = try await self.wrapped.removeItem(key)
        return true
    }
}

/// Creates an item where there is none to touch.
struct CreatesByTouch: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        let isCreated = try await self.wrapped.compareAndSwapItem(
            key,
            expected: nil,
            replacement: [],
            WriteOptions(ttl: ttl)
        )
        if isCreated == .swapped { return false }
        return try await self.wrapped.touchItem(key, ttl: ttl)
    }
}

/// Writes the item anew to touch it, from what it has read before.
struct TouchesByWriting: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        guard let value = try await self.wrapped.getItem(key) else { return false }
        await Task.yield()
        try await self.wrapped.setItem(key, value, WriteOptions(ttl: ttl))
        return true
    }
}

/// Tells of no removal.
final class HidesRemovals: StorageDriverWrapper {
    let wrapped: any StorageDriver
    let events: EventHub? = EventHub()

    init(wrapped: any StorageDriver) {
        self.wrapped = wrapped
        let hub = self.events
        _ = wrapped.events?.addObserver { event in
            if case .remove = event { return }
            hub?.emit(event)
        }
    }
}

/// Closes without a trace: later calls succeed.
struct StaysOpen: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func dispose() async throws(StorageError) {}
}

/// Clears everything, whatever the base, as unstorage's drivers do.
struct ClearsEverything: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.wrapped.clear("")
    }
}

/// Never answers.
struct GetsStuck: StorageDriverWrapper {
    let wrapped: any StorageDriver

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        // Ends when the test gives up and cancels.
        try? await Task.sleep(for: .seconds(3600))
        return nil
    }
}
