import CKVStorageLMDB
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

@Suite(
    "LMDB: what is held back of the disk",
    .enabled(if: SmallDisk.isAllowed, SmallDisk.reason),
    .timeLimit(.minutes(5))
)
struct LMDBReserveTests {
    let disk: SmallDisk
    let path: String

    init() throws {
        self.disk = try SmallDisk(byteCount: 8 << 20)
        self.path = self.disk.file("store")
    }

    @Test("Blocks are held back behind the last page, and the file is no longer for it")
    func blocks() async throws {
        let driver = try LMDBDriver(path: self.path)
        for number in 0..<500 {
            try await driver.setItem("a:\(number)", [UInt8](repeating: 1, count: 4000), WriteOptions())
            var file = kvstorage_lmdb_file()
            #expect(kvstorage_lmdb_look(self.path + "/data.mdb", &file) == 0)
            try #require(file.allocated >= file.bytes + 480 << 10)
            try #require(file.bytes <= UInt64(number + 50) * 8192)
        }
        try await driver.dispose()
    }

    @Test(
        "No number or size of writes takes the reserve away from removals",
        arguments: [(1, 100), (1, 100_000), (7, 3000), (300, 1000), (1000, 10)])
    func greed(batch: Int, byteCount: Int) async throws {
        let driver = try LMDBDriver(path: self.path)
        let value = [UInt8](repeating: 1, count: byteCount)
        var (count, refusals) = (0, 0)
        while refusals < 30 {
            let sets = (count..<count + batch).map {
                Mutation.set(key: "a:\($0)", value: value, options: WriteOptions())
            }
            do throws(StorageError) {
                _ = try await driver.apply(sets)
                count += batch
            } catch {
                #expect(error.code == .full)
                if refusals == 0 { try self.disk.fill() }
                refusals += 1
            }
        }
        // Others that need no more room than there is, or are refused.
        for number in 0..<100 {
            let key = "a:\(number * 7919 % count)"
            for failure in [
                await code { () throws(StorageError) in try await driver.setItem(key, value + value, WriteOptions()) },
                await code { () throws(StorageError) in
                    _ = try await driver.touchItem(key, ttl: .seconds(1000 + number))
                },
                await code { () throws(StorageError) in
                    _ = try await driver.setMeta(key, [UInt8](repeating: 2, count: 500))
                },
            ] { #expect(failure == nil || failure == .full) }
        }
        for number in 0..<min(count / 2, 50) { #expect(try await driver.removeItem("a:\(number)")) }
        try await driver.dispose()
        // Nothing was given back by closing.
        try self.disk.fill("filler2")
        let again = try LMDBDriver(path: self.path)
        #expect(try await again.clear("a:") == count - min(count / 2, 50))
        try await again.setItem("b", [1], WriteOptions())
        #expect(try await again.allKeys() == ["b"])
        try await again.dispose()
    }

    @Test("Items that are removed make room for others, though the disk stays full")
    func exchange() async throws {
        let driver = try LMDBDriver(path: self.path)
        let value = [UInt8](repeating: 1, count: 1000)
        var count = 0
        while true {
            let key = "a:\(count)"
            let failure = await code { () throws(StorageError) in try await driver.setItem(key, value, WriteOptions()) }
            guard failure == nil else { break }
            count += 1
        }
        try self.disk.fill()
        for number in 0..<200 { #expect(try await driver.removeItem("a:\(number)")) }
        for number in 0..<100 { try await driver.setItem("b:\(number)", value, WriteOptions()) }
        #expect(try await driver.allKeys("b:").count == 100)
        try await driver.dispose()
    }
}
