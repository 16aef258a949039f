import Foundation
import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis: cancelling and the end", .timeLimit(.minutes(10)))
struct RedisCancellingTests {
    /// How often each of the 256 tasks calls; more by `REDIS_CANCELLING_COUNT`.
    private static let count =
        ProcessInfo.processInfo.environment["REDIS_CANCELLING_COUNT"].flatMap { Int($0) } ?? 1_000

    @Test("Random cancelling: nobody is stuck, no reply goes to another, each task's own order is kept")
    func cancelling() async throws {
        let server = try RedisServer()
        let storage = try RedisFaultTests.storage(server.url, timeout: .seconds(60))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<256 {
                group.addTask { try await Self.callAndCancel(storage, number) }
            }
            try await group.waitForAll()
        }
        try await storage.dispose()
    }

    /// Reads and writes an item that nobody else writes; a third of the calls is cancelled, most of them in mid-call.
    private static func callAndCancel(_ storage: Storage, _ number: Int) async throws {
        let key = "cancel:\(number)"
        var last = 0
        for round in 1...Self.count {
            let isWrite = Bool.random()
            let task = Task {
                if isWrite {
                    try await storage.setItem(key, [number, round])
                    return [number, round]
                }
                return try await storage.getItem(key, as: [Int].self) ?? [number, 0]
            }
            if Int.random(in: 0..<3) == 0 { task.cancel() }
            switch await task.result {
            case .success(let found):
                // A write that throws was not done, so what is read is always the last that returned.
                guard found != [number, isWrite ? round : last] else {
                    if isWrite { last = round }
                    continue
                }
                Issue.record("task \(number), round \(round) was answered \(found), and wrote \(last) last")
            case .failure(let error):
                guard (error as? StorageError)?.code != .cancelled else { continue }
                Issue.record("task \(number), round \(round): \(error)")
            }
            return
        }
    }

    @Test("Dispose finishes what was accepted, also where the server was stopped meanwhile, and refuses the rest")
    func dispose() async throws {
        let server = try RedisServer()
        let driver = try RedisDriver.redis(server.url)
        try await driver.setItem("before", [1], WriteOptions())
        server.freeze()
        let written = Counter()
        let refused = Counter()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    do throws(StorageError) {
                        try await driver.setItem("k\(number)", [UInt8(number)], WriteOptions())
                        written.add()
                    } catch {
                        #expect(error.code == .closed)
                        refused.add()
                    }
                }
            }
            for _ in 0..<2 { group.addTask { try? await driver.dispose() } }
            // Once one is refused the end has begun; what was accepted waits for the server.
            group.addTask {
                while await Self.isAccepted(driver) { await Task.yield() }
                server.goOn()
            }
        }
        #expect(written.now + refused.now == 100)
        let other = try RedisDriver.redis(server.url)
        let count = try await other.getKeys(KeyQuery(limit: 1000)).keys.count { $0.hasPrefix("k") }
        #expect(count == written.now)
        try await other.dispose()
        await #expect(throws: StorageError.self) { try await driver.getItem("before") }
    }

    /// Whether the driver still takes calls; asks in a task that is cancelled, so that nothing waits for the server.
    private static func isAccepted(_ driver: RedisDriver) async -> Bool {
        let call = Task { () -> StorageError.Code? in
            do throws(StorageError) {
                _ = try await driver.getItem("before")
                return nil
            } catch {
                return error.code
            }
        }
        await Task.yield()
        call.cancel()
        return await call.value != .closed
    }
}
