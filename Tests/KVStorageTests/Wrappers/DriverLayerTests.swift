import KVStorageTesting
import Testing

@testable import KVStorage

@Suite(.timeLimit(.minutes(5))) struct DriverLayerTests {
    @Test func everyCallIsSeenOnce() async throws {
        let layer = CountingLayer()
        let driver = MemoryDriver().layered(layer)
        let options = WriteOptions()
        try await driver.setItem("k", [1], options)
        _ = try await driver.getItem("k")
        _ = try await driver.hasItem("k")
        _ = try await driver.getItems(["k", "l"])
        _ = try await driver.getEntries(["k"])
        _ = try await driver.getMeta("k")
        _ = try await driver.getKeys(KeyQuery())
        _ = try await driver.touchItem("k", ttl: .seconds(1))
        _ = try await driver.setMeta("k", [1])
        _ = try await driver.apply([.remove(key: "x")])
        _ = try await driver.commit(Commit(mutations: [.remove(key: "x")]))
        _ = try await driver.commit(Commit(checks: [.init("k", .present)]))
        _ = try await driver.compareAndSwapItem("k", expected: [1], replacement: [2], options)
        _ = try await driver.compareAndSwapItem("k", expected: [1], replacement: nil, options)
        _ = try await driver.compareAndSwapItem("k", expected: nil, replacement: nil, options)
        _ = try await driver.takeItem("k")
        _ = try await driver.incrementItem("n", by: 1, options)
        _ = try await driver.removeItem("k")
        _ = try await driver.clear("")
        for operation in DriverCall.Operation.allCases {
            #expect(layer.all[operation] == (operation == .check ? 2 : 1), "\(operation)")
        }
    }

    @Test func aRetryHidesWhatPasses() async throws {
        let faulty = FaultyDriver()
        let driver = faulty.layered(RetryingLayer())
        try await driver.setItem("k", [1], WriteOptions())
        faulty.fail()
        #expect(try await driver.getItem("k") == [1])
        faulty.fail()
        #expect(try await driver.getEntries(["k"])[0]?.value == [1])
        faulty.fail()
        await #expect(throws: StorageError.self) { try await driver.setItem("k", [2], WriteOptions()) }
        faulty.fail(lasting: true)
        await #expect(throws: StorageError.self) { try await driver.getItem("k") }
    }

    @Test func aTimeLimitedDriverGoesThroughTheLayer() async throws {
        struct Limitable: ForwardingDriver {
            let base: any StorageDriver = MemoryDriver()
            func limited(to limit: Duration) throws(StorageError) -> any StorageDriver { self.base }
        }
        let layer = CountingLayer()
        let driver = try Limitable().layered(layer).limited(to: .seconds(1))
        _ = try await driver.getItem("k")
        #expect(layer.all == [.get: 1])
        let readOnly = try Limitable().layered(ReadOnlyLayer()).limited(to: .seconds(1))
        #expect(readOnly.capabilities.contains(.readOnly))
        let error = await #expect(throws: StorageError.self) { try await readOnly.removeItem("k") }
        #expect(error?.code == .readOnly)
    }

    @Test func aReadOnlyStoreCanBeReadInATransaction() async throws {
        let base = MaskedDriver(base: MemoryDriver(), features: [.atomicCommit, .customMetadata])
        try await Storage(base).setItems(["a": 1, "b": 2])
        let storage = Storage(.readOnly(base))
        let sum = try await storage.transaction { transaction in
            let first = try await transaction.getItem("a", as: Int.self) ?? 0
            let second = try await transaction.getItem("b", as: Int.self) ?? 0
            return first + second
        }
        #expect(sum == 3)
        let error = await #expect(throws: StorageError.self) {
            try await storage.transaction { transaction in try transaction.setItem("a", 2) }
        }
        #expect(error?.code == .readOnly)
    }

    @Test func aRefusalNamesTheItemWhereThereIsOne() async throws {
        let driver = MemoryDriver().layered(ReadOnlyLayer())
        let item = await #expect(throws: StorageError.self) { try await driver.removeItem("k") }
        #expect(item?.key == "k")
        let batch = await #expect(throws: StorageError.self) {
            try await driver.apply([.remove(key: "k"), .remove(key: "l")])
        }
        #expect(batch?.key == nil)
    }

    @Test func nothingIsKeptByTheNullDriver() async throws {
        let driver = NullDriver()
        let commit = Commit(
            checks: [.init("k", .absent)],
            mutations: [.set(key: "k", value: [1], options: WriteOptions()), .remove(key: "l")])
        #expect(try await driver.commit(commit) == .committed(found: [false, false]))
        let mismatch = try await driver.commit(Commit(checks: [.init("k", .absent), .init("k", .present)]))
        #expect(mismatch == .mismatch(index: 1, current: nil))
        #expect(try await driver.apply(commit.mutations) == [true, false])
        #expect(try await driver.incrementItem("n", by: 3, WriteOptions()) == 3)
        #expect(try await driver.incrementItem("n", by: 3, WriteOptions()) == 3)
        #expect(try await driver.getEntries(["k", "n"]) == [nil, nil])
    }
}
