import ChildProcess
import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis: processes on one server", .timeLimit(.minutes(5)))
struct RedisSharingTests {
    @Test(
        "Four processes add 2,000 each to one item", .tags(.processes), arguments: ["increment", "compare-and-swap"])
    func processes(command: String) async throws {
        let server = try RedisServer()
        let processes = try [server.url, server.url, server.socketURL, server.socketURL].map { url in
            try ChildProcess(storage: [command, url, "2000"])
        }
        for process in processes {
            #expect(await process.lines() == [])
            #expect(await process.status() == 0)
        }
        let driver = try RedisDriver.redis(server.url)
        #expect(try await driver.getItem("counter") == Array("8000".utf8))
        try await driver.dispose()
    }

    @Test("What a killed process had acknowledged is there", .tags(.processes))
    func killed() async throws {
        let server = try RedisServer()
        let writer = try ChildProcess(storage: ["crash-writer", server.url, "16"])
        var acknowledged: [String] = []
        while acknowledged.count < 500, let key = await writer.line() { acknowledged.append(key) }
        writer.kill()
        acknowledged += await writer.lines()
        #expect(acknowledged.count >= 500)
        let driver = try RedisDriver.redis(server.url)
        let values = try await driver.getItems(acknowledged)
        for (key, value) in zip(acknowledged, values) {
            #expect(value == Array("value of \(key)".utf8))
        }
        try await driver.dispose()
    }
}
