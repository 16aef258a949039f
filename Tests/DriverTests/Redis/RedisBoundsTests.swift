import KVStorage
import Testing

@testable import KVStorageRedis

/// What is bounded in the driver, and what errors of older servers are understood.
@Suite("Redis bounds")
struct RedisBoundsTests {
    @Test("listings that are never continued hold a bounded number of names")
    func abandonedListings() throws {
        let listings = Listings(scanCount: 10, maximumNames: 100)
        func listing(_ names: Int) -> Listings.Listing {
            var listing = Listings.Listing(scan: Scan(pattern: []))
            listing.found = (0..<names).map(String.init)
            return listing
        }
        let cursors = (0..<10).map { _ in listings.put(listing(30)) }
        for cursor in cursors.dropLast(3) { #expect(throws: StorageError.self) { try listings.take(cursor) } }
        for cursor in cursors.suffix(3) { #expect(try listings.take(cursor).found.count == 30) }
        // A longer one is kept by itself.
        let other = listings.put(listing(50))
        let long = listings.put(listing(1000))
        #expect(throws: StorageError.self) { try listings.take(other) }
        let taken = try listings.take(long)
        listings.putBack(taken, long)
        #expect(try listings.take(long).found.count == 1000)
        let last = listings.put(listing(100))
        #expect(try listings.take(last).found.count == 100)
    }

    @Test("large items are asked for a few at a time, small ones by the thousand")
    func readSizes() {
        let knowledge = Knowledge()
        #expect(knowledge.itemsPerRead == 128)
        knowledge.noteRead(items: 128, bytes: 128 << 20)
        #expect(knowledge.itemsPerRead == 8)
        knowledge.noteRead(items: 1, bytes: 100 << 20)
        #expect(knowledge.itemsPerRead == 1)
        for _ in 0..<20 { knowledge.noteRead(items: 10, bytes: 1000) }
        #expect(knowledge.itemsPerRead == 1024)
        knowledge.noteRead(items: 0, bytes: 0)
        knowledge.noteRead(items: 1000, bytes: 0)
        #expect(knowledge.itemsPerRead == 1024)
    }

    @Test("many large items come in parts")
    func manyLargeItems() async throws {
        var configuration = RedisDriver.Configuration()
        configuration.prefix = "large\(UInt64.random(in: 0 ... .max))"
        configuration.commandTimeout = .seconds(30)
        let driver = try RedisDriver.redis(try RedisServer.shared.get().url, configuration)
        let keys = (0..<150).map { "k\($0)" }
        for (index, key) in keys.enumerated() where index % 3 > 0 {
            try await driver.setItem(key, [UInt8](repeating: UInt8(index), count: 200_000), WriteOptions())
        }
        for _ in 0..<2 {
            let values = try await driver.getItems(keys)
            for (index, value) in values.enumerated() {
                #expect(value?.count == (index % 3 > 0 ? 200_000 : nil))
                #expect(value?.last == (index % 3 > 0 ? UInt8(index) : nil))
            }
            #expect(driver.knowledge.itemsPerRead < 100)
        }
        #expect(try await driver.clear("") == 100)
        try await driver.dispose()
    }

    @Test("errors in scripts of version 6 mean what they mean elsewhere")
    func wrappedErrors() {
        let start = "ERR Error running script (call to f_8f4204a710a635f61111385d4d90b55a929428cb): @user_script:1: "
        func error(_ text: String) -> RedisServerError { RedisServerError((start + text).utf8) }
        let full = error("@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.")
        #expect(full.description == "OOM command not allowed when used memory > 'maxmemory'.")
        #expect(StorageError(redis: full, key: nil).code == .full)
        let readOnly = error("-READONLY You can't write against a read only replica.")
        #expect(StorageError(redis: readOnly, key: nil).code == .readOnly)
        let type = error("WRONGTYPE Operation against a key holding the wrong kind of value")
        #expect(StorageError(redis: type, key: nil).code == .incompatibleFormat)
        #expect(
            error("ERR value is not an integer: or out of range").description.hasSuffix("an integer: or out of range"))
        #expect(error("attempt to call a nil value").code == "ERR")
        #expect(RedisServerError("NOSCRIPT No matching script.".utf8).code == "NOSCRIPT")
    }
}
