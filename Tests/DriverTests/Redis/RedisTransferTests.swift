import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis transactions of several processes", .tags(.processes), .timeLimit(TransferRun.limit))
struct RedisTransferTests {
    @Test("transfers between accounts keep their sum, also when processes are killed in the middle of them")
    func transfers() async throws {
        let server = try RedisServer()
        let driver: RedisDriver = try .redis(server.url)
        try await TransferRun(store: server.url, driver: driver).run()
        #expect(Set(try await driver.allKeys()) == Set(TransferRun.keys))
        try await driver.dispose()
    }
}
