import KVStorage
import Testing

/// What a store on a disk that is too small for it can still do; on every store that keeps files.
@Suite(
    "A disk that is really full",
    .enabled(if: SmallDisk.isAllowed, SmallDisk.reason),
    .timeLimit(.minutes(5))
)
struct FullDiskTests {
    static let stores: [ProcessStore] = [.sqlite, .lmdb, .files]

    let disk: SmallDisk
    let path: String

    init() throws {
        self.disk = try SmallDisk(byteCount: 16 << 20)
        self.path = self.disk.file("store")
    }

    // 50,000 writes of 1,000 bytes are three times the disk.
    @Test("Overwriting the same few items goes on forever", arguments: Self.stores)
    func overwriting(store: ProcessStore) async throws {
        let driver = try store.open(self.path)
        let rounds = 500
        for round in 0..<rounds {
            let value = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 1000)
            _ = try await driver.apply((0..<50).map { .set(key: "key:\($0)", value: value, options: WriteOptions()) })
            // Some of them one by one, beside each other.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 50..<100 {
                    group.addTask { try await driver.setItem("key:\(number)", value, WriteOptions()) }
                }
                try await group.waitForAll()
            }
        }
        let last = [UInt8](repeating: UInt8(truncatingIfNeeded: rounds - 1), count: 1000)
        for number in 0..<100 { #expect(try await driver.getItem("key:\(number)") == last) }
        try await driver.dispose()
    }

    @Test(
        "With nothing left items can be removed and cleared, and nothing acknowledged is lost", arguments: Self.stores)
    func removing(store: ProcessStore) async throws {
        var driver = try store.open(self.path)
        let count = try await self.fill(driver)
        #expect(count > 1000)
        // Whatever room the store had left for itself, somebody else takes all the rest.
        try self.disk.fill()
        #expect(await code { () throws(StorageError) in try await self.set(driver, count) } == .full)

        for number in 0..<20 { #expect(try await driver.removeItem("a:\(number)")) }
        #expect(try await driver.takeItem("a:20") == self.value(20))
        try await self.check(driver, 21..<count)
        // Closed and opened while there is no room.
        try await driver.dispose()
        try self.disk.fill("filler2")
        driver = try store.open(self.path)
        try await self.check(driver, 21..<count)
        #expect(try await driver.removeItem("a:21"))
        #expect(try await driver.clear("a:") == count - 22)
        #expect(try await driver.allKeys() == [])
        try self.disk.empty()
        try await self.set(driver, 0)
        try await self.check(driver, 0..<1)
        try await driver.dispose()
    }

    @Test(
        "A commit that finds no room changes nothing; one whose check fails, or that only removes, needs none",
        arguments: [ProcessStore.sqlite, .lmdb])
    func committing(store: ProcessStore) async throws {
        let driver = try store.open(self.path)
        let count = try await self.fill(driver)
        try self.disk.fill()
        let before = try await driver.getEntries(["a:0", "a:1"])
        let sets = (0..<20).map {
            Mutation.set(key: "b:\($0)", value: [UInt8](repeating: 2, count: 200_000), options: WriteOptions())
        }
        let commit = Commit(
            checks: [.init("a:0", .bytes(self.value(0)))], mutations: [.remove(key: "a:0"), .remove(key: "a:1")] + sets)
        #expect(await code { () throws(StorageError) in _ = try await driver.commit(commit) } == .full)
        #expect(try await driver.getEntries(["a:0", "a:1"]) == before)
        #expect(try await driver.allKeys("b:") == [])
        let mismatch = Commit(checks: [.init("a:0", .absent)], mutations: sets)
        #expect(try await driver.commit(mismatch) == .mismatch(index: 0, current: self.value(0)))
        let removal = Commit(
            checks: [.init("a:0", .present)], mutations: [.remove(key: "a:0"), .remove(key: "a:1"), .remove(key: "b")])
        #expect(try await driver.commit(removal) == .committed(found: [true, true, false]))
        try await self.check(driver, 2..<count)
        #expect(try await driver.allKeys().count == count - 2)
        try await driver.dispose()
    }

    /// Stores items until the disk is full, and returns how many were acknowledged.
    private func fill(_ driver: any StorageDriver) async throws -> Int {
        var count = 0
        while count < 1_000_000 {
            let number = count
            let failure = await code { () throws(StorageError) in try await self.set(driver, number) }
            if let failure {
                #expect(failure == .full)
                return count
            }
            count += 1
        }
        return count
    }

    private func set(_ driver: any StorageDriver, _ number: Int) async throws(StorageError) {
        try await driver.setItem("a:\(number)", self.value(number), WriteOptions())
    }

    private func value(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1000)
    }

    private func check(_ driver: any StorageDriver, _ numbers: Range<Int>) async throws {
        let values = try await driver.getItems(numbers.map { "a:\($0)" })
        let lost = zip(numbers, values).filter { number, value in value != self.value(number) }
        #expect(lost.map(\.0) == [])
    }
}
