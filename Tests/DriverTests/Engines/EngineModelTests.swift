import KVStorage
import KVStorageTesting
import Testing

@Suite("Engines: random writes", .timeLimit(.minutes(5)))
struct EngineModelTests {
    private static let names = ["a", "a:b", "a:b:c", "a;", "b", "é", String(repeating: "z", count: 511)]

    let folder: TemporaryFolder
    let clock = ManualClock()

    init() throws {
        self.folder = try TemporaryFolder(inMemory: true)
    }

    @Test("Random writes, batches and commits end as they do in a dictionary", arguments: Engine.all, 1...2)
    func model(engine: Engine, seed: UInt64) async throws {
        let driver = try engine.open(self.folder.file("store"), self.clock)
        var random = SplitMix(state: seed)
        var model = ItemModel(now: self.clock.now)
        for step in 0..<1500 {
            try await self.step(driver, &model, &random)
            if step % 10 == 0 { try await self.compare(driver, model) }
        }
        try await self.compare(driver, model)
        #expect(try await driver.clear("") == model.items.count)
        #expect(try await engine.storedCount(self.folder.file("store"), driver) == 0)
        try await driver.dispose()
    }

    private func compare(_ driver: any StorageDriver, _ model: ItemModel) async throws {
        #expect(Set(try await driver.allKeys()) == Set(model.items.keys))
        let names = Self.names + ["none"]
        let expected = names.map { model.entry($0) }
        #expect(try await driver.getEntries(names) == expected)
        #expect(try await driver.getItems(names) == expected.map { $0?.value })
        let name = names[Int(model.now.milliseconds) % names.count]
        #expect(try await driver.getEntries([name]) == [model.entry(name)])
        #expect(try await driver.getMeta(name) == model.entry(name)?.meta)
        #expect(try await driver.hasItem(name) == (model.entry(name) != nil))
    }

    private func step(
        _ driver: any StorageDriver,
        _ model: inout ItemModel,
        _ random: inout SplitMix
    ) async throws {
        let key = self.key(&random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            let (value, options) = (self.value(&random), WriteOptions(ttl: self.ttl(&random)))
            try await driver.setItem(key, value, options)
            _ = model.write(.set(key: key, value: value, options: options))
        case 1: #expect(try await driver.removeItem(key) == model.write(.remove(key: key)))
        case 2:
            let ttl = self.ttl(&random)
            #expect(try await driver.touchItem(key, ttl: ttl) == model.write(.touch(key: key, ttl: ttl)))
        case 3:
            let fields = Bool.random(using: &random) ? self.value(&random) : nil
            #expect(try await driver.setMeta(key, fields) == model.setMeta(key, fields))
        case 4:
            let value = model.value(key)
            _ = model.write(.remove(key: key))
            #expect(try await driver.takeItem(key) == value)
        case 5:
            let expected = Bool.random(using: &random) ? model.value(key) : self.value(&random)
            let replacement = Bool.random(using: &random) ? self.value(&random) : nil
            let options = WriteOptions(ttl: self.ttl(&random))
            let result = try await driver.compareAndSwapItem(
                key, expected: expected, replacement: replacement, options)
            if model.value(key) == expected {
                #expect(result == .swapped)
                let mutation = replacement.map { Mutation.set(key: key, value: $0, options: options) }
                _ = model.write(mutation ?? .remove(key: key))
            } else {
                #expect(result == .mismatch(current: model.value(key)))
            }
        case 6:
            let mutations = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                self.mutation(of: self.key(&random), &random)
            }
            #expect(try await driver.apply(mutations) == model.apply(mutations))
        case 7, 8:
            let commit = self.commit(model, &random)
            #expect(try await driver.commit(commit) == model.commit(commit))
        default:
            self.clock.advance(by: .milliseconds(Int.random(in: 0...5000, using: &random)))
            model.now = self.clock.now
        }
    }

    /// Checks that hold more often than not, and a mutation of some keys.
    private func commit(_ model: ItemModel, _ random: inout SplitMix) -> Commit {
        let checks = Self.names.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random)).map { key in
            let current = model.value(key)
            let isRight = Int.random(in: 0..<6, using: &random) > 0
            let condition: Commit.Check.Condition =
                switch (current, isRight) {
                case (let current?, true): Bool.random(using: &random) ? .bytes(current) : .present
                case (nil, true): .absent
                case (.some, false): .absent
                case (nil, false): .bytes(self.value(&random))
                }
            return Commit.Check(key, condition)
        }
        let keys = Self.names.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
        return Commit(checks: checks, mutations: keys.map { self.mutation(of: $0, &random) })
    }

    private func mutation(of key: String, _ random: inout SplitMix) -> Mutation {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: .remove(key: key)
        case 1: .touch(key: key, ttl: self.ttl(&random))
        case 2: .set(key: key, value: self.value(&random), options: WriteOptions(ttl: self.ttl(&random)))
        default:
            .set(
                key: key,
                value: self.value(&random),
                options: WriteOptions(ttl: self.ttl(&random)),
                fields: .replace(Bool.random(using: &random) ? self.value(&random) : nil)
            )
        }
    }

    private func key(_ random: inout SplitMix) -> String {
        Self.names[Int.random(in: 0..<Self.names.count, using: &random)]
    }

    private func value(_ random: inout SplitMix) -> [UInt8] {
        // Few bytes, so that values are the same now and then; rarely more than fit on a page.
        let count = Int.random(in: 0..<8, using: &random) == 0 ? 9000 : Int.random(in: 0...1, using: &random)
        return [UInt8](repeating: .random(in: 0...3, using: &random), count: count)
    }

    private func ttl(_ random: inout SplitMix) -> TTL {
        let some: TTL =
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .forever
            case 1: .milliseconds(Int.random(in: 1...20_000, using: &random))
            case 2: .until(self.clock.now.advanced(by: .seconds(Int.random(in: 0...9, using: &random))))
            default: .until(self.clock.now.advanced(by: .seconds(-Int.random(in: 0...9, using: &random))))
            }
        return Bool.random(using: &random) ? some : .keep(orElse: some)
    }
}
