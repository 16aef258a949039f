import KVStorage
import Synchronization

// Each keeps all promises but one.

/// Forgets lifetimes, as unstorage's file driver does.
struct ForgetsLifetimes: ForwardingDriver {
    let base: any StorageDriver

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.base.setItem(key, value, WriteOptions())
    }
}

/// Ignores that an item is to keep its deadline.
struct IgnoresKeepTTL: ForwardingDriver {
    let base: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let ttl = options.ttl.duration(at: SystemClock().now).map(TTL.after) ?? .forever
        let options = WriteOptions(ttl: ttl)
        return try await self.base.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
    }
}

/// Clears every key that begins like the base, siblings and the item itself included.
struct OverClears: ForwardingDriver {
    let base: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let prefix = String(base.dropLast())
        let keys = try await self.base.getKeys(KeyQuery(limit: 100_000)).keys.filter { $0.hasPrefix(prefix) }
        return try await self.base.apply(keys.map(Mutation.remove(key:))).count(where: \.self)
    }
}

/// Clears no deeper than one level.
struct UnderClears: ForwardingDriver {
    let base: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let depth = base.count { $0 == ":" }
        let keys = try await self.base.getKeys(KeyQuery(base: base, maxDepth: depth, limit: 100_000)).keys
        return try await self.base.apply(keys.map(Mutation.remove(key:))).count(where: \.self)
    }
}

/// Takes the base for an SQL pattern, in which `_` is any character and `%` any text.
struct ClearsByPattern: ForwardingDriver {
    let base: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        let keys = try await self.base.getKeys(KeyQuery(limit: 100_000)).keys
        let matching = keys.filter { Self.matches(Array("\(base)%")[...], Array($0)[...]) }
        return try await self.base.apply(matching.map(Mutation.remove(key:))).count(where: \.self)
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
struct LosesUpdates: ForwardingDriver {
    let base: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let current = try await self.base.getItem(key)
        await Task.yield()
        guard current == expected else { return .mismatch(current: current) }
        if let replacement {
            try await self.base.setItem(key, replacement, options)
        } else if expected != nil {
            _ = try await self.base.removeItem(key)
        }
        return .swapped
    }
}

/// Takes "no item expected" for "anything expected".
struct SwapsAnything: ForwardingDriver {
    let base: any StorageDriver

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let expected = try await expected == nil ? self.base.getItem(key) : expected
        return try await self.base.compareAndSwapItem(key, expected: expected, replacement: replacement, options)
    }
}

/// Begins each page with the key that ended the page before.
struct ListsTwice: ForwardingDriver {
    let base: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var page = try await self.base.getKeys(query)
        if let cursor = query.cursor, query.limit > 1 { page.keys.insert(cursor, at: 0) }
        return page
    }
}

/// Ends a listing with the first page.
struct ListsOnePage: ForwardingDriver {
    let base: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        KeyPage(keys: try await self.base.getKeys(query).keys)
    }
}

/// Counts depths from the base instead of from the root.
struct CountsDepthFromBase: ForwardingDriver {
    let base: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var query = query
        // Never more than asked, as `Storage` filters, but less: the listing stops a level early.
        query.maxDepth = query.maxDepth.map { query.base.isEmpty ? $0 : max($0 - 1, 0) }
        return try await self.base.getKeys(query)
    }
}

/// Keeps metadata beside the items, where removing an item does not reach it, as unstorage does.
struct KeepsMetadata: ForwardingDriver {
    let base: any StorageDriver
    private let fields = Fields()

    init(base: any StorageDriver) {
        self.base = base
    }

    private final class Fields: Sendable {
        let all = Mutex<[String: [UInt8]]>([:])
    }

    func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        guard try await self.base.setMeta(key, nil) else { return false }
        self.fields.all.withLock { $0[key] = fields }
        return true
    }

    func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        guard var meta = try await self.base.getMeta(key) else { return nil }
        meta.fieldBytes = self.fields.all.withLock { $0[key] }
        return meta
    }

    func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        var entries = try await self.base.getEntries(keys)
        for (index, key) in keys.enumerated() {
            entries[index]?.meta.fieldBytes = self.fields.all.withLock { $0[key] }
        }
        return entries
    }

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        let found = try await self.base.apply(mutations)
        self.keepFields(of: mutations)
        return found
    }

    func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let outcome = try await self.base.commit(commit)
        if case .committed = outcome { self.keepFields(of: commit.mutations) }
        return outcome
    }

    private func keepFields(of mutations: [Mutation]) {
        self.fields.all.withLock { all in
            for case .set(let key, _, _, .replace(let fields)) in mutations { all[key] = fields }
        }
    }
}

/// Takes keys for the same that Unicode says are equivalent, as some file systems do.
struct FoldsKeys: ForwardingDriver {
    let base: any StorageDriver
    private let spellings = Spellings()

    init(base: any StorageDriver) {
        self.base = base
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
        try await self.base.setItem(self.spellings(key), value, options)
    }

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.base.getItem(self.spellings(key))
    }

    func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        try await self.base.getEntries(keys.map { self.spellings($0) })
    }
}

/// Writes a batch item by item, and says that it were atomic.
struct TearsBatches: ForwardingDriver {
    let base: any StorageDriver

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        var found: [Bool] = []
        for mutation in mutations {
            found += try await self.base.apply([mutation])
            await Task.yield()
        }
        return found
    }

    func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let checked = try await self.base.commit(Commit(checks: commit.checks))
        if case .mismatch = checked { return checked }
        var found: [Bool] = []
        for mutation in commit.mutations {
            await Task.yield()
            guard case .committed(let isThere) = try await self.base.commit(Commit(mutations: [mutation])) else {
                break
            }
            found += isThere
        }
        return .committed(found: found)
    }
}

/// Answers a batch of keys in order, without those that come again.
struct DropsDuplicates: ForwardingDriver {
    let base: any StorageDriver

    func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var seen: Set<String> = []
        let values = try await self.base.getItems(keys)
        return zip(keys, values).map { seen.insert($0).inserted ? $1 : nil }
    }

    func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] {
        var seen: Set<String> = []
        let entries = try await self.base.getEntries(keys)
        return zip(keys, entries).map { seen.insert($0).inserted ? $1 : nil }
    }
}

/// Keeps values as text.
struct KeepsText: ForwardingDriver {
    let base: any StorageDriver

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.base.getItem(key).map { Array(String(decoding: $0, as: UTF8.self).utf8) }
    }
}

/// Takes an empty value for none.
struct LosesEmptyValues: ForwardingDriver {
    let base: any StorageDriver

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let value = try await self.base.getItem(key)
        return value?.isEmpty == true ? nil : value
    }
}

/// Says of every removal that the item was there.
struct ClaimsRemovals: ForwardingDriver {
    let base: any StorageDriver

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        _ = try await self.base.removeItem(key)
        return true
    }
}

/// Creates an item where there is none to touch.
struct CreatesByTouch: ForwardingDriver {
    let base: any StorageDriver

    func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        let isCreated = try await self.base.compareAndSwapItem(
            key,
            expected: nil,
            replacement: [],
            WriteOptions(ttl: ttl)
        )
        if isCreated == .swapped { return false }
        return try await self.base.touchItem(key, ttl: ttl)
    }
}

/// Writes the item anew to touch it, from what it has read before.
struct TouchesByWriting: ForwardingDriver {
    let base: any StorageDriver

    func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        guard let value = try await self.base.getItem(key) else { return false }
        await Task.yield()
        try await self.base.setItem(key, value, WriteOptions(ttl: ttl))
        return true
    }
}

/// Tells of no removal.
final class HidesRemovals: ForwardingDriver {
    let base: any StorageDriver
    let events: EventHub? = EventHub()

    init(base: any StorageDriver) {
        self.base = base
        let hub = self.events
        _ = base.events?.addObserver { event in
            if case .remove = event { return }
            hub?.emit(event)
        }
    }
}

/// Takes what expired for removed, and the other way round.
final class MistakesCauses: ForwardingDriver {
    let base: any StorageDriver
    let events: EventHub? = EventHub()

    init(base: any StorageDriver) {
        self.base = base
        let hub = self.events
        _ = base.events?.addObserver { event in
            guard case .remove(let key, let cause) = event else { return hub?.emit(event) ?? () }
            hub?.emit(.remove(key, cause == .expired ? .removed : .expired))
        }
    }
}

/// Closes without a trace: later calls succeed.
struct StaysOpen: ForwardingDriver {
    let base: any StorageDriver

    func dispose() async throws(StorageError) {}
}

/// Clears everything, whatever the base, as unstorage's drivers do.
struct ClearsEverything: ForwardingDriver {
    let base: any StorageDriver

    func clear(_ base: String) async throws(StorageError) -> Int {
        try await self.base.clear("")
    }
}

/// Never answers.
struct GetsStuck: ForwardingDriver {
    let base: any StorageDriver

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        // Ends when the test gives up and cancels.
        try? await Task.sleep(for: .seconds(3600))
        return nil
    }
}
