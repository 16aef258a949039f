import KVStorage

/// Calls on a store and on the model of it, which have to answer the same.
struct ModelRun {
    private let store: ConformanceStore
    private var model: StoreModel

    private init(_ store: ConformanceStore) {
        self.store = store
        self.model = StoreModel(now: store.clock.now)
    }

    /// Where a sequence of calls went wrong, and how.
    struct Divergence {
        var index: Int
        var error: any Error
    }

    /// Makes the calls and returns the first one that the store answers in another way than the model does.
    static func firstDivergence(of calls: [ModelCall], on store: ConformanceStore) async -> Divergence? {
        var run = ModelRun(store)
        for (index, call) in calls.enumerated() {
            do {
                try await run.make(call)
                if index % 40 == 39 || index == calls.count - 1 { try await run.compareAll() }
            } catch {
                return Divergence(index: index, error: error)
            }
        }
        return nil
    }

    /// Leaves out calls for as long as the sequence still goes wrong, each time on a fresh store, but for no longer than told.
    static func shrink(
        _ calls: [ModelCall],
        _ divergence: Divergence,
        _ store: ConformanceStore,
        within limit: Duration
    ) async -> (calls: [ModelCall], divergence: Divergence) {
        let end = ContinuousClock.now.advanced(by: limit)
        var shortest = Array(calls[...divergence.index])
        var found = divergence
        var size = max(1, shortest.count / 2)
        while true {
            var start = 0
            var isShorter = false
            while start < shortest.count {
                guard ContinuousClock.now < end else { return (shortest, found) }
                let rest = Array(shortest[..<start] + shortest[min(start + size, shortest.count)...])
                if let other = await Self.divergenceOnFreshStore(rest, store) {
                    shortest = Array(rest[...other.index])
                    found = other
                    isShorter = true
                } else {
                    start += size
                }
            }
            if size == 1, !isShorter { return (shortest, found) }
            size = max(1, size / 2)
        }
    }

    private static func divergenceOnFreshStore(_ calls: [ModelCall], _ store: ConformanceStore) async -> Divergence? {
        guard !calls.isEmpty, let fresh = try? await store.makeAnother() else { return nil }
        let divergence = await Self.firstDivergence(of: calls, on: fresh)
        try? await fresh.cleanUp()
        return divergence
    }

    /// Compares everything that can be asked.
    private func compareAll() async throws {
        let storage = self.store.storage
        for base in ModelCall.bases {
            let listed = try await storage.getKeys(base)
            try expectKeys(listed, self.model.keys(base), "the keys below \(base.debugDescription)")
            let shallow = try await storage.getKeys(base, maxDepth: 1)
            let expected = self.model.keys(base, maxDepth: 1)
            try expectKeys(shallow, expected, "the keys below \(base.debugDescription) to depth 1")
        }
        for (key, item) in self.model.items {
            try expectEqual(try await storage.getItemRaw(key), item.value, "the bytes of \(key)")
            let meta = try await storage.getMeta(key)
            let remaining = item.deadline.map { self.model.now.duration(to: $0) }
            try expectEqual(meta?.ttl, remaining, "what remains of \(key)")
            try expectEqual(meta?.fieldBytes, item.fields, "the fields of \(key)")
        }
    }

    private mutating func make(_ call: ModelCall) async throws {
        let storage = self.store.storage
        switch call {
        case .advance(let duration):
            self.store.clock.advance(by: duration)
            self.model.advance(to: self.store.clock.now)
        case .set(let key, let value, let ttl):
            try await storage.setItemRaw(key, bytes("\(value)"), ttl: ttl)
            self.model.set(key, bytes("\(value)"), ttl: ttl)
        case .setIfAbsent(let key, let value, let ttl):
            let isAbsent = self.model.items[key] == nil
            let isStored = try await storage.setItem(key, value, ttl: ttl, ifAbsent: true)
            try expectEqual(isStored, isAbsent, "whether \(key) was stored")
            if isAbsent { self.model.set(key, bytes("\(value)"), ttl: ttl) }
        case .setMany(let items, let ttl):
            try await storage.setItemsRaw(items.map { ($0.key, bytes("\($0.value)")) }, ttl: ttl)
            for item in items { self.model.set(item.key, bytes("\(item.value)"), ttl: ttl) }
        case .remove(let key):
            let expected = self.model.remove(key) != nil
            try expectEqual(try await storage.removeItem(key), expected, "whether \(key) was removed")
        case .removeMany(let keys):
            var expected = 0
            for key in keys where self.model.remove(key) != nil { expected += 1 }
            try expectEqual(try await storage.removeItems(keys), expected, "how many of \(keys) were removed")
        case .clear(let base):
            let keys = self.model.keys(base)
            for key in keys { _ = self.model.remove(key) }
            try expectEqual(try await storage.clear(base), keys.count, "what clear(\(base)) counts")
        case .take(let key):
            let expected = self.model.remove(key)?.value
            try expectEqual(try await storage.takeItemRaw(key), expected, "what was taken from \(key)")
        case .swap(let key, let expected, let replacement, let ttl):
            try await self.swap(key, expected, replacement, ttl)
        case .increment(let key, let amount, let ttl):
            let expected = (self.number(key) ?? 0) + amount
            let sum = try await storage.incrementItem(key, by: amount, ttl: ttl)
            try expectEqual(sum, expected, "the sum in \(key)")
            self.model.set(key, bytes("\(sum)"), ttl: ttl)
        case .update(let key, let value, let ttl):
            try await self.update(key, value, ttl)
        case .touch(let key, let ttl):
            let expected = self.model.touch(key, ttl: ttl)
            try expectEqual(try await storage.touchItem(key, ttl: ttl), expected, "whether \(key) was touched")
        case .setFields(let key, let number):
            guard self.store.capabilities.contains(.customMetadata) else { return }
            let expected = self.model.setFields(key, number.map { bytes("{\"n\":\($0)}") })
            let isFound: Bool
            if let number {
                isFound = try await storage.setMeta(key, ["n": number])
            } else {
                isFound = try await storage.removeMeta(key)
            }
            try expectEqual(isFound, expected, "whether \(key) was given fields")
        }
    }

    private mutating func swap(
        _ key: String,
        _ expectation: ModelCall.Expectation,
        _ replacement: Int?,
        _ ttl: TTL
    ) async throws {
        let current = self.model.items[key]?.value
        let expected: [UInt8]?
        switch expectation {
        case .current: expected = current
        case .number(let number): expected = bytes("\(number)")
        }
        let isSwapped = try await self.store.storage.compareAndSwapItem(
            key,
            expected: expected,
            replacement: replacement.map { bytes("\($0)") },
            ttl: ttl
        )
        try expectEqual(isSwapped, expected == current, "whether \(key) was swapped")
        guard isSwapped else { return }
        if let replacement {
            self.model.set(key, bytes("\(replacement)"), ttl: ttl)
        } else {
            _ = self.model.remove(key)
        }
    }

    private mutating func update(_ key: String, _ value: Int?, _ ttl: TTL) async throws {
        let storage = self.store.storage
        let seen = try await storage.updateItem(key, as: Int.self, ttl: ttl) {
            current in
            defer { current = value }
            return current
        }
        try expectEqual(seen, self.number(key), "what the update of \(key) was given")
        if let value {
            self.model.set(key, bytes("\(value)"), ttl: ttl)
        } else {
            _ = self.model.remove(key)
        }
    }

    private func number(_ key: String) -> Int? {
        self.model.items[key].flatMap { Int(String(decoding: $0.value, as: UTF8.self)) }
    }
}
