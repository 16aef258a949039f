import KVStorage

extension Behavior {
    /// All promises at once: random calls against a model.
    static let model: [Behavior] = (1...4).map { seed in
        Behavior(
            "model.random\(seed)",
            promise: 2,
            "Any sequence of calls answers as a dictionary with deadlines would.",
            movesClock: true
        ) { store in
            var run = ModelRun(store, seed: UInt64(seed))
            for step in 0..<400 {
                try await run.makeCall(step)
                if step % 40 == 39 { try await run.compareAll(step) }
            }
        }
    }
}

/// Random calls on a store and on the model of it.
private struct ModelRun {
    private let store: ConformanceStore
    private var model: StoreModel
    private var random: SeededGenerator

    init(_ store: ConformanceStore, seed: UInt64) {
        self.store = store
        self.model = StoreModel(now: store.clock.now)
        self.random = SeededGenerator(seed: seed)
    }

    private static let names = ["a", "b", "c", "ab", "a%", "\u{1F600}"]
    private static let bases = ["", "a", "a:b", "b", "ab", "c:a:a", "absent"]

    private mutating func key() -> String {
        let depth = Int.random(in: 1...3, using: &self.random)
        return (0..<depth).map { _ in Self.names.randomElement(using: &self.random) ?? "" }.joined(separator: ":")
    }

    private mutating func ttl() -> Duration? {
        Bool.random(using: &self.random) ? nil : .seconds(Int64.random(in: 1...60, using: &self.random))
    }

    private mutating func number() -> Int {
        Int.random(in: -5...100, using: &self.random)
    }

    mutating func makeCall(_ step: Int) async throws {
        switch Int.random(in: 0..<16, using: &self.random) {
        case 0: self.advanceClock()
        case 1: try await self.clear(step)
        case 2: try await self.removeMany(step)
        case 3: try await self.setMany()
        case 4, 5: try await self.remove(step)
        case 6: try await self.swap(step)
        case 7: try await self.increment(step)
        case 8: try await self.touch(step)
        case 9: try await self.setFields(step)
        case 10: try await self.take(step)
        case 11: try await self.update(step)
        case 12: try await self.setIfAbsent(step)
        default: try await self.set()
        }
    }

    /// Compares everything that can be asked.
    func compareAll(_ step: Int) async throws {
        let storage = self.store.storage
        for base in Self.bases {
            let listed = try await storage.getKeys(base)
            try expectKeys(listed, self.model.keys(base), "the keys below \(base.debugDescription) after call \(step)")
            let shallow = try await storage.getKeys(base, maxDepth: 1)
            try expectKeys(shallow, self.model.keys(base, maxDepth: 1), "those to depth 1 after call \(step)")
        }
        for (key, item) in self.model.items {
            try expectEqual(try await storage.getItemRaw(key), item.value, "the bytes of \(key) after call \(step)")
            let meta = try await storage.getMeta(key)
            let remaining = item.deadline.map { self.model.now.duration(to: $0) }
            try expectEqual(meta?.ttl, remaining, "what remains of \(key) after call \(step)")
            try expectEqual(meta?.fieldBytes, item.fields, "the fields of \(key) after call \(step)")
        }
    }

    private mutating func advanceClock() {
        self.store.clock.advance(by: .milliseconds(Int64.random(in: 1...20_000, using: &self.random)))
        self.model.advance(to: self.store.clock.now)
    }

    private mutating func set() async throws {
        let (key, value, ttl) = (self.key(), bytes("\(self.number())"), self.ttl())
        try await self.store.storage.setItemRaw(key, value, ttl: ttl)
        self.model.set(key, value, ttl: ttl)
    }

    private mutating func setIfAbsent(_ step: Int) async throws {
        let (key, value, ttl) = (self.key(), self.number(), self.ttl())
        let isAbsent = self.model.items[key] == nil
        let isStored = try await self.store.storage.setItem(key, value, ttl: ttl, ifAbsent: true)
        try expectEqual(isStored, isAbsent, "whether \(key) was stored by call \(step)")
        if isAbsent { self.model.set(key, bytes("\(value)"), ttl: ttl) }
    }

    private mutating func setMany() async throws {
        let ttl = self.ttl()
        var items: [(String, [UInt8])] = []
        for _ in 0..<Int.random(in: 0...6, using: &self.random) {
            items.append((self.key(), bytes("\(self.number())")))
        }
        try await self.store.storage.setItemsRaw(items, ttl: ttl)
        for (key, value) in items { self.model.set(key, value, ttl: ttl) }
    }

    private mutating func remove(_ step: Int) async throws {
        let key = self.key()
        let expected = self.model.remove(key) != nil
        try expectEqual(try await self.store.storage.removeItem(key), expected, "removing \(key) by call \(step)")
    }

    private mutating func removeMany(_ step: Int) async throws {
        var keys: [String] = []
        for _ in 0..<4 { keys.append(self.key()) }
        var expected = 0
        for key in keys where self.model.remove(key) != nil { expected += 1 }
        try expectEqual(try await self.store.storage.removeItems(keys), expected, "removing \(keys) by call \(step)")
    }

    private mutating func clear(_ step: Int) async throws {
        let base = Self.bases.dropFirst().randomElement(using: &self.random) ?? "a"
        let keys = self.model.keys(base)
        for key in keys { _ = self.model.remove(key) }
        try expectEqual(try await self.store.storage.clear(base), keys.count, "clearing \(base) by call \(step)")
    }

    private mutating func take(_ step: Int) async throws {
        let key = self.key()
        let expected = self.model.remove(key)?.value
        try expectEqual(try await self.store.storage.takeItemRaw(key), expected, "taking \(key) by call \(step)")
    }

    private mutating func swap(_ step: Int) async throws {
        let (key, ttl, keepTTL) = (self.key(), self.ttl(), Bool.random(using: &self.random))
        let current = self.model.items[key]?.value
        let expected = Bool.random(using: &self.random) ? current : bytes("\(self.number())")
        let replacement = Int.random(in: 0..<3, using: &self.random) == 0 ? nil : bytes("\(self.number())")
        let isSwapped = try await self.store.storage.compareAndSwapItem(
            key,
            expected: expected,
            replacement: replacement,
            ttl: ttl,
            keepTTL: keepTTL
        )
        try expectEqual(isSwapped, expected == current, "swapping \(key) by call \(step)")
        guard isSwapped else { return }
        if let replacement {
            self.model.set(key, replacement, ttl: ttl, keepTTL: keepTTL)
        } else {
            _ = self.model.remove(key)
        }
    }

    private mutating func increment(_ step: Int) async throws {
        let (key, amount, ttl, keepTTL) = (self.key(), self.number(), self.ttl(), Bool.random(using: &self.random))
        let current = self.model.items[key].flatMap { Int(String(decoding: $0.value, as: UTF8.self)) } ?? 0
        let sum = try await self.store.storage.incrementItem(key, by: amount, ttl: ttl, keepTTL: keepTTL)
        try expectEqual(sum, current + amount, "the sum in \(key) by call \(step)")
        self.model.set(key, bytes("\(sum)"), ttl: ttl, keepTTL: keepTTL)
    }

    private mutating func update(_ step: Int) async throws {
        let (key, value, ttl, keepTTL) = (self.key(), self.number(), self.ttl(), Bool.random(using: &self.random))
        let removes = value < 0
        let seen = try await self.store.storage.updateItem(key, as: Int.self, ttl: ttl, keepTTL: keepTTL) { current in
            defer { current = removes ? nil : value }
            return current
        }
        let expected = self.model.items[key].flatMap { Int(String(decoding: $0.value, as: UTF8.self)) }
        try expectEqual(seen, expected, "what the update of \(key) by call \(step) was given")
        if removes {
            _ = self.model.remove(key)
        } else {
            self.model.set(key, bytes("\(value)"), ttl: ttl, keepTTL: keepTTL)
        }
    }

    private mutating func touch(_ step: Int) async throws {
        let (key, ttl) = (self.key(), self.ttl())
        let expected = self.model.touch(key, ttl: ttl)
        try expectEqual(
            try await self.store.storage.touchItem(key, ttl: ttl), expected, "touching \(key) by call \(step)")
    }

    private mutating func setFields(_ step: Int) async throws {
        guard self.store.capabilities.customMetadata else { return }
        let key = self.key()
        let isRemoval = Bool.random(using: &self.random)
        let expected = self.model.setFields(key, isRemoval ? nil : bytes("{\"n\":\(step)}"))
        let isFound =
            isRemoval
            ? try await self.store.storage.removeMeta(key)
            : try await self.store.storage.setMeta(key, ["n": step])
        try expectEqual(isFound, expected, "the fields of \(key) set by call \(step)")
    }
}
