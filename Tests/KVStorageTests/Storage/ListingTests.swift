import KVStorage
import KVStorageTesting
import Synchronization
import Testing

@Suite struct ListingTests {
    /// Counts the pages that are asked for.
    private final class Counting: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()
        let limits = Mutex<[Int]>([])

        func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage {
            self.limits.withLock { $0.append(query.limit) }
            return try await self.base.getKeys(query)
        }
    }

    private let driver = Counting()
    private let storage: Storage

    init() async throws {
        self.storage = Storage(self.driver)
        try await self.storage.setItems((0..<100).map { ("k:\($0)", $0) })
    }

    @Test func asksForAPageWhenItIsNeeded() async throws {
        var iterator = self.storage.keys(in: "k", pageSize: 10).makeAsyncIterator()
        #expect(self.driver.limits.withLock { $0.isEmpty })
        for _ in 0..<10 { _ = try await iterator.next() }
        #expect(self.driver.limits.withLock(\.self) == [10])
        _ = try await iterator.next()
        #expect(self.driver.limits.withLock(\.self) == [10, 10])
    }

    @Test(arguments: [0, -1, Int.min])
    func aPageOfNothingCountsAsOne(_ pageSize: Int) async throws {
        var count = 0
        for try await _ in self.storage.keys(in: "k", pageSize: pageSize) { count += 1 }
        #expect(count == 100)
        #expect(self.driver.limits.withLock { Set($0) } == [1])
    }

    @Test func aSequenceCanBeReadTwice() async throws {
        let keys = self.storage.keys(in: "k", pageSize: 30)
        for _ in 0..<2 {
            var seen: Set<String> = []
            for try await key in keys { seen.insert(key) }
            #expect(seen.count == 100)
        }
    }

    @Test func hidesKeysThatNobodyCanAskFor() async throws {
        try await self.driver.base.setItem("orphan$", [1], WriteOptions())
        #expect(try await self.storage.getKeys("", maxDepth: 0) == [])
    }

    @Test func mountsWhereNoDepthIsLeftAreNotAsked() async throws {
        let deep = Counting()
        try self.storage.mount("a:b", deep)
        try await self.storage.setItem("a:b:c", 1)
        #expect(try await self.storage.getKeys("a", maxDepth: 1) == [])
        #expect(deep.limits.withLock { $0.isEmpty })
        #expect(try await self.storage.getKeys("a", maxDepth: 2) == ["a:b:c"])
    }

    @Test func anItemOfAnotherTypeDoesNotTakeTheOthersAlong() async throws {
        try await self.storage.setItem("bad:4", "not a number")
        for number in 0..<10 where number != 4 { try await self.storage.setItem("bad:\(number)", number) }
        var iterator = self.storage.items(in: "bad", as: Int.self).makeAsyncIterator()
        var values: [Int] = []
        var failures: [String?] = []
        while true {
            do {
                guard let (_, value) = try await iterator.next(isolation: #isolation) else { break }
                values.append(value)
            } catch {
                failures.append(error.key)
            }
        }
        #expect(values == [0, 1, 2, 3, 5, 6, 7, 8, 9])
        #expect(failures == ["bad:4"])
    }

    @Test func aPageThatFailsIsReadAgain() async throws {
        let driver = FaultyDriver()
        let storage = Storage(driver)
        try await storage.setItems((0..<30).map { ("k\($0)", $0) })
        driver.fail(at: 1) { $0.operation == .getMany }
        var iterator = storage.items(as: Int.self, pageSize: 10).makeAsyncIterator()
        var seen: Set<Int> = []
        var failures = 0
        while true {
            do {
                guard let (_, value) = try await iterator.next() else { break }
                seen.insert(value)
            } catch {
                failures += 1
            }
        }
        #expect(failures == 1)
        #expect(seen.count == 30, "none of the page is skipped")
    }
}
