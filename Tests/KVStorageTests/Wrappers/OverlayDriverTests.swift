import KVStorageTesting
import Testing

@testable import KVStorage

/// What an overlay answers and hides.
@Suite(.timeLimit(.minutes(5))) struct OverlayDriverTests {
    private let clock = ManualClock()
    private let top: MemoryDriver
    private let lower: MemoryDriver

    init() {
        self.top = MemoryDriver(.init(clock: self.clock))
        self.lower = MemoryDriver(.init(clock: self.clock))
    }

    private func make() throws -> OverlayDriver { try OverlayDriver([self.top, self.lower]) }

    @Test func aFirstLayerThatLosesItemsIsRefused() throws {
        let lower = MemoryDriver()
        let refused: [any StorageDriver] = [
            MemoryDriver(.init(maximumItems: 100)), NullDriver(), MemoryDriver().layered(ReadOnlyLayer()),
            MinimalDriver(),
        ]
        for top in refused {
            let error = #expect(throws: StorageError.self) { try OverlayDriver([top, lower]) }
            #expect(error?.code == .invalidOption)
            #expect(error?.message.contains("; use one") == true || error?.message.contains("; use") == true)
            // By itself it hides nothing.
            #expect(throws: Never.self) { try OverlayDriver([top]) }
        }
        #expect(throws: StorageError.self) { try OverlayDriver([]) }
    }

    @Test func whatIsRemovedOrExpiresStaysHidden() async throws {
        let driver = try self.make()
        for key in ["a", "b", "c", "d"] { try await self.lower.setItem(key, [0], WriteOptions()) }
        #expect(try await driver.removeItem("a"))
        #expect(try await driver.removeItem("a") == false)
        try await driver.setItem("b", [1], WriteOptions(ttl: .seconds(5)))
        #expect(try await driver.touchItem("c", ttl: .seconds(5)))
        #expect(try await driver.takeItem("d") == [0])
        #expect(try await driver.takeItem("d") == nil)
        self.clock.advance(by: .seconds(5))
        for key in ["a", "b", "c", "d"] {
            #expect(try await driver.getItem(key) == nil)
            #expect(try await driver.hasItem(key) == false)
            #expect(try await driver.getMeta(key) == nil)
        }
        #expect(try await driver.getItems(["a", "b", "c", "d"]) == [nil, nil, nil, nil])
        #expect(try await driver.getEntries(["a", "b", "c", "d"]) == [nil, nil, nil, nil])
        #expect(try await driver.getKeys(KeyQuery()).keys == [])
        // Nor does a write bring back what was kept beside it.
        try await driver.setItem("a", [2], WriteOptions(ttl: .keep(orElse: .seconds(9))))
        #expect(try await driver.getMeta("a")?.ttl == .seconds(9))
    }

    @Test func aKeyIsListedOnceThoughItsLowerItemExpiresMeanwhile() async throws {
        let driver = try self.make()
        let keys = (0..<10).map { "k\($0)" }
        for key in keys { try await self.lower.setItem(key, [0], WriteOptions(ttl: .seconds(5))) }
        for key in keys { try await driver.setItem(key, [1], WriteOptions()) }
        #expect(driver.capabilities.contains(.orderedKeys))
        for limit in 1...11 {
            var query = KeyQuery(limit: limit)
            var listed: [String] = []
            for _ in 0..<20 {
                let page = try await driver.getKeys(query)
                listed += page.keys
                // The first time all that was listed of the lower layer is gone by the second page.
                if limit == 1 { self.clock.advance(by: .seconds(5)) }
                guard let cursor = page.cursor else { break }
                query.cursor = cursor
            }
            #expect(listed == keys, "by pages of \(limit)")
        }
    }

    @Test func layersInOrderAreMerged() async throws {
        let middle = MemoryDriver()
        let driver = try OverlayDriver([self.top, middle, self.lower])
        let layers = [self.top, middle, self.lower]
        let keys = (0..<60).map { "\($0 % 7):\($0)" }.sorted(by: keyPrecedes)
        for (number, key) in keys.enumerated() {
            try await layers[number % 3].setItem(key, [0], WriteOptions())
            if number % 5 == 0 { try await layers[(number + 1) % 3].setItem(key, [0], WriteOptions()) }
        }
        let removed = keys.enumerated().filter { $0.offset % 4 == 0 }.map(\.element)
        for key in removed { #expect(try await driver.removeItem(key)) }
        let left = keys.filter { !removed.contains($0) }
        let storage = Storage(driver)
        #expect(try await storage.getKeys() == left)
        for limit in [1, 2, 7, 44, 45, 100] {
            var listed: [String] = []
            var cursor: String?
            repeat {
                let page = try await storage.getPage(after: cursor, limit: limit)
                #expect(page.keys.count == limit || page.cursor == nil)
                listed += page.keys
                cursor = page.cursor
            } while cursor != nil && listed.count <= keys.count
            #expect(listed == left, "by pages of \(limit)")
        }
        // One that lists in no order makes the whole so.
        #expect(try !OverlayDriver([self.top, MinimalDriver()]).capabilities.contains(.orderedKeys))
        #expect(try await Storage(OverlayDriver([self.top, MinimalDriver()])).getKeys().allSatisfy(left.contains))
    }

    @Test func whatIsCopiedKeepsDeadlineAndMetadata() async throws {
        let driver = try self.make()
        for key in ["touch", "keep", "swap", "meta", "increment"] {
            try await self.lower.setItem(key, Array("7".utf8), WriteOptions(ttl: .seconds(100)))
            _ = try await self.lower.setMeta(key, [1])
        }
        self.clock.advance(by: .seconds(10))
        #expect(try await driver.touchItem("touch", ttl: .forever))
        try await driver.setItem("keep", [2], WriteOptions(ttl: .keep(orElse: .forever)))
        let swapped = try await driver.compareAndSwapItem(
            "swap", expected: Array("7".utf8), replacement: [3], WriteOptions(ttl: .keep))
        #expect(swapped == .swapped)
        #expect(try await driver.setMeta("meta", [2]))
        #expect(try await driver.incrementItem("increment", by: 1, WriteOptions(ttl: .keep)) == 8)
        let metas = try await driver.getEntries(["touch", "keep", "swap", "meta", "increment"])
        #expect(metas.map { $0?.meta.ttl } == [nil, .seconds(90), .seconds(90), .seconds(90), .seconds(90)])
        #expect(metas.map { $0?.meta.fieldBytes } == [[1], [1], [1], [2], [1]])
        #expect(metas.map { $0?.value } == [Array("7".utf8), [2], [3], Array("7".utf8), Array("8".utf8)])
        #expect(try await self.top.getItems(["touch", "meta"]) == [Array("7".utf8), Array("7".utf8)])
    }

    @Test func tombstonesOfItemsWithADeadlineGoByThemselves() async throws {
        let deep = MemoryDriver(.init(clock: self.clock))
        let driver = try OverlayDriver([self.top, self.lower, deep])
        try await self.lower.setItem("short", [0], WriteOptions(ttl: .seconds(60)))
        try await self.lower.setItem("both", [0], WriteOptions(ttl: .seconds(60)))
        try await deep.setItem("both", [1], WriteOptions(ttl: .seconds(600)))
        try await self.lower.setItem("ever", [0], WriteOptions(ttl: .seconds(60)))
        try await deep.setItem("ever", [1], WriteOptions())
        #expect(try await driver.clear("") == 3)
        #expect(try await self.top.getMeta(Tombstone.of("short"))?.ttl == .seconds(3660))
        #expect(try await self.top.getMeta(Tombstone.of("both"))?.ttl == .seconds(4200))
        #expect(try await self.top.getMeta(Tombstone.of("ever"))?.ttl == nil)
        self.clock.advance(by: .seconds(3660))
        try await waitUntil { self.top.store.itemCount == 2 }
        #expect(self.top.store.itemCount == 2)
        #expect(try await driver.getItems(["short", "both", "ever"]) == [nil, nil, nil])
    }

    @Test func aKeyThatIsTooLongToBeHiddenIsReadAndNotWritten() async throws {
        let top = MaskedDriver(
            base: self.top, features: self.top.capabilities.features, maximumKeyBytes: 100)
        let driver = try OverlayDriver([top, self.lower])
        #expect(driver.capabilities.maximumKeyBytes == 91)
        let long = [92, 100, 101, 500].map { String(repeating: "k", count: $0) }
        let fitting = String(repeating: "f", count: 91)
        for key in long + [fitting, "short"] { try await self.lower.setItem(key, [0], WriteOptions()) }
        for key in long {
            #expect(try await driver.getItem(key) == [0])
            #expect(try await driver.hasItem(key))
            #expect(try await driver.getMeta(key) != nil)
            let writes: [() async throws -> Void] = [
                { try await driver.setItem(key, [1], WriteOptions(ttl: .seconds(1))) },
                { _ = try await driver.removeItem(key) },
                { _ = try await driver.touchItem(key, ttl: .seconds(1)) },
                {
                    _ = try await driver.apply([
                        .set(key: "short", value: [1], options: WriteOptions()), .remove(key: key),
                    ])
                },
                { _ = try await driver.commit(Commit(mutations: [.remove(key: "short"), .remove(key: key)])) },
            ]
            for write in writes {
                let error = await #expect(throws: StorageError.self) { try await write() }
                #expect(error?.code == .invalidKey)
                #expect(error.map { keysEqual($0.key ?? "", key) } == true)
            }
        }
        let all = long + [fitting, "short"]
        #expect(try await driver.getItems(all) == all.map { _ in [0] })
        #expect(try await driver.getKeys(KeyQuery()).keys.count == all.count)
        #expect(self.top.store.itemCount == 0, "refused before anything was written")
        #expect(try await driver.removeItem(fitting))
        #expect(try await driver.hasItem(fitting) == false)
    }

    @Test func aWriteThatFailsChangesNothing() async throws {
        let faulty = FaultyDriver(self.top)
        let driver = try OverlayDriver([faulty, self.lower])
        let writes: [@Sendable () async throws -> Void] = [
            { try await driver.setItem("k", [1], WriteOptions(ttl: .seconds(1))) },
            { _ = try await driver.removeItem("k") },
            { _ = try await driver.touchItem("k", ttl: .seconds(1)) },
            { _ = try await driver.setMeta("k", [1]) },
            { _ = try await driver.takeItem("k") },
            { _ = try await driver.apply([.remove(key: "k"), .set(key: "new", value: [1], options: WriteOptions())]) },
        ]
        try await self.lower.setItem("k", [0], WriteOptions())
        for write in writes {
            // Whichever write of the first layer it is.
            for index in 0..<3 {
                faulty.fail(at: index) { $0.operation.isWrite }
                do { try await write() } catch {}
                guard !faulty.repair() else { break }
                #expect(try await driver.getItem("k") == [0])
                self.clock.advance(by: .seconds(2))
                #expect(try await driver.getItem("k") == [0])
                #expect(self.top.store.itemCount == 0)
            }
            _ = try await self.top.clear("")
            for key in ["k", "new"] { _ = try await self.top.removeItem(Tombstone.of(key)) }
        }
    }

    @Test func theTombstoneIsWrittenWithTheItem() async throws {
        let counting = CountingDriver(self.top)
        let driver = try OverlayDriver([counting, self.lower])
        try await self.lower.setItem("k", [0], WriteOptions())
        try await driver.setItem("k", [1], WriteOptions(ttl: .seconds(1)))
        #expect(counting.writes.map(\.operation) == [.commit])
        self.clock.advance(by: .seconds(1))
        #expect(try await driver.getItem("k") == nil)
    }

    @Test func batchesAnswerAsOneStoreWould() async throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let plain = MemoryDriver(.init(clock: self.clock))
            let top = MemoryDriver(.init(clock: self.clock))
            let layers = [MemoryDriver(.init(clock: self.clock)), MemoryDriver(.init(clock: self.clock))]
            let driver = try OverlayDriver([top, layers[0], layers[1]])
            for number in 0..<6 {
                for layer in layers.shuffled(using: &random).prefix(number % 3) {
                    let options = WriteOptions(ttl: number.isMultiple(of: 2) ? .forever : .seconds(500))
                    try await layer.setItem("k\(number)", [UInt8(number)], options)
                    _ = try await layer.setMeta("k\(number)", [UInt8(number)])
                    try await plain.setItem("k\(number)", [UInt8(number)], options)
                    _ = try await plain.setMeta("k\(number)", [UInt8(number)])
                }
            }
            for step in 0..<60 {
                let batch = (0..<Int.random(in: 1...6, using: &random)).map { _ in Self.mutation(&random) }
                let checks = [Commit.Check("k\(step % 7)", step.isMultiple(of: 3) ? .absent : .present)]
                let unique = Dictionary(grouping: batch, by: \.key).compactMap(\.value.last)
                if step.isMultiple(of: 2) {
                    #expect(try await driver.apply(batch) == plain.apply(batch), "seed \(seed), step \(step)")
                } else {
                    let commit = Commit(checks: checks, mutations: unique)
                    #expect(try await driver.commit(commit) == plain.commit(commit), "seed \(seed), step \(step)")
                }
                let keys = (0..<7).map { "k\($0)" }
                let (found, expected) = (try await driver.getEntries(keys), try await plain.getEntries(keys))
                #expect(found.map { $0?.value } == expected.map { $0?.value }, "seed \(seed), step \(step)")
                #expect(found.map { $0?.meta.deadline } == expected.map { $0?.meta.deadline }, "seed \(seed), \(step)")
                #expect(found.map { $0?.meta.fieldBytes } == expected.map { $0?.meta.fieldBytes }, "\(seed), \(step)")
                #expect(try await driver.getItems(keys) == expected.map { $0?.value })
            }
        }
    }

    private static func mutation(_ random: inout SeededGenerator) -> Mutation {
        let key = "k\(Int.random(in: 0..<7, using: &random))"
        let ttls: [TTL] = [.forever, .seconds(600), .keep(orElse: .seconds(700)), .keep(orElse: .forever)]
        let ttl = ttls.randomElement(using: &random) ?? .forever
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .remove(key: key)
        case 1: return .touch(key: key, ttl: ttl)
        default:
            let fields: [FieldChange] = [.keep, .keep, .replace([9]), .replace(nil)]
            return .set(
                key: key, value: [UInt8.random(in: 0..<3, using: &random)], options: WriteOptions(ttl: ttl),
                fields: fields.randomElement(using: &random) ?? .keep)
        }
    }
}
