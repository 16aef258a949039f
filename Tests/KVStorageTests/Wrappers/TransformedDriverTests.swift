import KVStorageTesting
import Testing

@testable import KVStorage

@Suite(.timeLimit(.minutes(5))) struct TransformedDriverTests {
    private let base = MemoryDriver()
    private let driver: TransformedDriver

    init() {
        self.driver = self.base.encrypted()
    }

    @Test func noCallStoresOrReturnsTheOtherForm() async throws {
        let value = Array("a secret of some length".utf8)
        let options = WriteOptions()
        try await self.driver.setItem("set", value, options)
        _ = try await self.driver.apply([.set(key: "apply", value: value, options: options)])
        _ = try await self.driver.commit(Commit(mutations: [.set(key: "commit", value: value, options: options)]))
        let created = try await self.driver.compareAndSwapItem("swap", expected: nil, replacement: value, options)
        #expect(created == .swapped)
        let keys = ["set", "apply", "commit", "swap"]
        for (key, stored) in zip(keys, try await self.base.getItems(keys)) {
            let bytes = try #require(stored)
            #expect(bytes.count == value.count + 2)
            #expect(!bytes.dropFirst(2).elementsEqual(value))
            #expect(try ToyCipher.open(key, bytes) == value)
        }
        #expect(try await self.driver.getItems(keys) == keys.map { _ in value })
        #expect(try await self.driver.getEntries(keys).map { $0?.value } == keys.map { _ in value })
        #expect(try await self.driver.getMeta("set")?.size == value.count)
        #expect(try await self.driver.incrementItem("n", by: 5, options) == 5)
        #expect(try await self.driver.incrementItem("n", by: 5, options) == 10)
        #expect(try await self.driver.takeItem("n") == Array("10".utf8))
        let other = try await self.driver.compareAndSwapItem("set", expected: [1], replacement: nil, options)
        #expect(other == .mismatch(current: value))
        let same = try await self.driver.compareAndSwapItem("set", expected: value, replacement: nil, options)
        #expect(same == .swapped)
    }

    @Test func anUpdateReadsAndWritesThroughIt() async throws {
        let storage = Storage(self.driver)
        try await storage.setItem("k", "secret")
        try await storage.updateItem("k", default: "") { $0 += "!" }
        #expect(try await storage.getItem("k") == "secret!")
        let moved = try await storage.transaction { transaction in
            let text = try await transaction.getItem("k", as: String.self)
            try transaction.removeItem("k")
            try transaction.setItem("l", text)
            return text
        }
        #expect(moved == "secret!")
        #expect(try await storage.getItems(["k", "l"], as: String.self) == [nil, "secret!"])
    }

    @Test func foreignBytesAreAnErrorThatNamesTheKey() async throws {
        try await self.base.setItem("foreign", [1, 2, 3], WriteOptions())
        let reads: [@Sendable (TransformedDriver) async throws -> Void] = [
            { _ = try await $0.getItem("foreign") },
            { _ = try await $0.getItems(["foreign"]) },
            { _ = try await $0.getEntries(["foreign"]) },
            { _ = try await $0.takeItem("foreign") },
            { _ = try await $0.compareAndSwapItem("foreign", expected: [1], replacement: nil, WriteOptions()) },
            { _ = try await $0.commit(Commit(checks: [.init("foreign", .bytes([1]))])) },
        ]
        for read in reads {
            let error = await #expect(throws: StorageError.self) { try await read(self.driver) }
            #expect(error?.code == .decoding)
            #expect(error?.key == "foreign")
        }
        #expect(try await self.driver.hasItem("foreign"))
        #expect(try await self.base.getItem("foreign") == [1, 2, 3], "it stays")
        #expect(try await self.driver.removeItem("foreign"))
    }

    @Test func whatEncodingThrowsWritesNothing() async throws {
        struct Refused: Error {}
        let driver = self.base.transformed(
            encode: { _, value in
                guard value != [0] else { throw Refused() }
                return value
            },
            decode: { _, bytes in bytes }
        )
        let options = WriteOptions()
        let writes: [@Sendable (TransformedDriver) async throws -> Void] = [
            { try await $0.setItem("k", [0], options) },
            {
                _ = try await $0.apply([
                    .set(key: "a", value: [1], options: options), .set(key: "k", value: [0], options: options),
                ])
            },
            { _ = try await $0.commit(Commit(mutations: [.set(key: "k", value: [0], options: options)])) },
            { _ = try await $0.compareAndSwapItem("k", expected: nil, replacement: [0], options) },
        ]
        for write in writes {
            let error = await #expect(throws: StorageError.self) { try await write(driver) }
            #expect(error?.code == .encoding)
            #expect(error?.key == "k")
            #expect(error?.underlying is Refused)
        }
        #expect(try await self.base.getKeys(KeyQuery()).keys == [])
    }

    @Test func theFirstCheckThatDoesNotHoldIsReported() async throws {
        try await self.driver.setItem("there", [1], WriteOptions())
        let outcome = try await self.driver.commit(
            Commit(checks: [.init("there", .absent), .init("there", .bytes([2]))]))
        #expect(outcome == .mismatch(index: 0, current: [1]))
        let second = try await self.driver.commit(
            Commit(checks: [.init("there", .present), .init("there", .bytes([2]))]))
        #expect(second == .mismatch(index: 1, current: [1]))
    }

    @Test func whatIsComparedIsReadAtOnce() async throws {
        let counting = CountingDriver(self.base)
        let keys = ["a", "b", "c"]
        for key in keys { try await self.driver.setItem(key, [1], WriteOptions()) }
        let commit = Commit(
            checks: keys.map { .init($0, .bytes([1])) } + [.init("d", .absent)],
            mutations: keys.map { .remove(key: $0) })
        #expect(try await counting.encrypted().commit(commit) == .committed(found: [true, true, true]))
        #expect(counting.calls.map(\.operation) == [.getMany, .commit])
    }

    @Test func aValueThatIsStoredAnewInOtherBytesIsStillTheSame() async throws {
        let pausing = PausingDriver(self.base)
        let driver = pausing.encrypted()
        try await driver.setItem("k", [1], WriteOptions())
        let pause = pausing.pause(.before) { $0.operation == .commit }
        let commit = Task {
            try await driver.commit(
                Commit(
                    checks: [.init("k", .bytes([1]))], mutations: [.set(key: "l", value: [2], options: WriteOptions())])
            )
        }
        await pause.reached()
        // Until the bytes are others: the nonce is one of 255.
        let before = try await self.base.getItem("k")
        while try await self.base.getItem("k") == before { try await self.driver.setItem("k", [1], WriteOptions()) }
        pause.resume()
        #expect(try await commit.value == .committed(found: [false]))
        #expect(try await driver.getItem("l") == [2])
    }

    @Test func valuesMayBeShorterByTheOverhead() {
        let limited = MemoryDriver(.init(maximumBytes: 1 << 20))
        let limit = limited.capabilities.maximumValueBytes ?? 0
        #expect(limited.encrypted().capabilities.maximumValueBytes == limit - 2)
        #expect(self.driver.capabilities == self.base.capabilities)
    }
}
