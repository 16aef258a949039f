import KVStorage
import Synchronization

// What is wrong with these lies in the medium: what stays there, what is cut off, what others put there.

/// Counts depths from the base, so that a listing goes deeper than asked.
struct ListsTooDeep: ForwardingDriver {
    let base: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var query = query
        query.maxDepth = query.maxDepth.map { $0 + keyDepth(query.base) }
        return try await self.base.getKeys(query)
    }
}

/// Drops values over a mebibyte, wherever they are written.
struct DropsLargeValues: ForwardingDriver {
    let base: any StorageDriver

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        if value.count > 1 << 20 { return }
        try await self.base.setItem(key, value, options)
    }
}

/// Ends a branch where Swift's characters would, as one of an ordered engine's bounds.
struct CutsByCharacter: ForwardingDriver {
    let base: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        let page = try await self.base.getKeys(query)
        return KeyPage(keys: page.keys.filter { self.isBelow($0, query.base) }, cursor: page.cursor)
    }

    func clear(_ base: String) async throws(StorageError) -> Int {
        let keys = try await self.base.getKeys(KeyQuery(base: base, limit: 100_000)).keys
        let below = keys.filter { self.isBelow($0, base) }
        return try await self.base.apply(below.map(Mutation.remove(key:))).count(where: \.self)
    }

    private func isBelow(_ key: String, _ base: String) -> Bool {
        base.isEmpty || keyPrecedes(key, base.dropLast() + ";")
    }
}

/// Begins the next page where this one began, if it ends with one of those keys that Swift's characters cut in two.
struct TurnsInCircles: ForwardingDriver {
    let base: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        var page = try await self.base.getKeys(query)
        if query.maxDepth == 0, page.cursor != nil, page.keys.contains(where: { keysEqual($0, "x\u{600}") }) {
            page.cursor = query.cursor ?? ""
        }
        return page
    }
}

/// Looks for a key without end, and never lets another task run.
struct SpinsInListing: ForwardingDriver {
    let base: any StorageDriver

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        while query.maxDepth != nil, !Task.isCancelled {}
        return try await self.base.getKeys(query)
    }
}

/// Says of every removal in a batch that there was an item.
final class TellsFalseRemovals: ForwardingDriver {
    let base: any StorageDriver
    let events: EventHub? = EventHub()

    init(base: any StorageDriver) {
        self.base = base
        let hub = self.events
        _ = base.events?.addObserver { hub?.emit($0) }
    }

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        var isThere: [Bool] = []
        for mutation in mutations { isThere.append(try await self.base.hasItem(mutation.key)) }
        let removed = try await self.base.apply(mutations)
        for (mutation, isThere) in zip(mutations, isThere) where !isThere {
            if case .remove(let key) = mutation { self.events?.emit(.remove(key, .removed)) }
        }
        return removed
    }
}

/// A medium that others write to as well: a driver that is not disposed with the one in front of it.
struct SharedMedium: ForwardingDriver {
    let base: any StorageDriver

    /// Names that no normal key has.
    static let foreign = ["a//b", "k:", ":a", "users::a", "what?x", "back\\slash", "meta$", "own:", "zz:"]

    func dispose() async throws(StorageError) {}

    static func isOwn(_ key: String) -> Bool {
        keysEqual(normalizeKey(key), key) && key.utf8.last != UInt8(ascii: "$")
    }
}

/// Leaves out of listings what no key leads to; right, unless told to clear it all the same.
struct SkipsForeignNames: ForwardingDriver {
    let base: any StorageDriver
    var clearsThem = false

    func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
        let page = try await self.base.getKeys(query)
        return KeyPage(keys: page.keys.filter(SharedMedium.isOwn), cursor: page.cursor)
    }

    func clear(_ base: String) async throws(StorageError) -> Int {
        let keys = try await self.base.getKeys(KeyQuery(base: base, limit: 100_000)).keys
        let own = keys.filter(SharedMedium.isOwn)
        let removed = try await self.base.apply(own.map(Mutation.remove(key:))).count(where: \.self)
        if self.clearsThem { _ = try await self.base.clear(base) }
        return removed
    }
}

/// A cache that keeps what it read, whatever came between, and counts an item's life from the end of the reading.
final class CachesBlindly: ForwardingDriver {
    private struct Entry {
        var value: [UInt8]
        var deadline: Timestamp?
    }

    let base: any StorageDriver
    private let clock: any StorageClock
    private let forgetsDeadlines: Bool
    private let entries = Mutex<[String: Entry]>([:])

    /// With `forgetsDeadlines` what is wrong is the lifetime alone: it is read first and counted last.
    init(base: any StorageDriver, clock: any StorageClock, forgetsDeadlines: Bool) {
        self.base = base
        self.clock = clock
        self.forgetsDeadlines = forgetsDeadlines
    }

    func getItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let now = self.clock.now
        let kept = self.entries.withLock { $0[key] }
        if let kept, kept.deadline.map({ $0 > now }) ?? true { return kept.value }
        guard let read = try await self.base.getEntries([key])[0] else { return nil }
        let value = read.value
        let start = self.forgetsDeadlines ? self.clock.now : now
        let entry = Entry(value: value, deadline: read.meta.ttl.map { start.advanced(by: $0) })
        self.entries.withLock { $0[key] = entry }
        if self.forgetsDeadlines, try await self.base.getItem(key) != value {
            self.entries.withLock { $0[key] = nil }
        }
        return value
    }

    func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        for key in keys { values.append(try await self.getItem(key)) }
        return values
    }

    func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try await self.base.setItem(key, value, options)
        self.entries.withLock { $0[key] = nil }
    }

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        let removed = try await self.base.removeItem(key)
        self.entries.withLock { $0[key] = nil }
        return removed
    }

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        let removed = try await self.base.apply(mutations)
        self.entries.withLock { entries in
            for mutation in mutations { entries[mutation.key] = nil }
        }
        return removed
    }

    func clear(_ base: String) async throws(StorageError) -> Int {
        let removed = try await self.base.clear(base)
        self.entries.withLock { $0 = [:] }
        return removed
    }

    func incrementItem(_ key: String, by amount: Int, _ options: WriteOptions) async throws(StorageError) -> Int {
        let sum = try await self.base.incrementItem(key, by: amount, options)
        self.entries.withLock { $0[key] = nil }
        return sum
    }

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        let result = try await self.base.compareAndSwapItem(
            key, expected: expected, replacement: replacement, options)
        self.entries.withLock { $0[key] = nil }
        return result
    }
}
