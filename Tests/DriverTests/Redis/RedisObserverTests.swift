import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis observer", .timeLimit(.minutes(5)))
struct RedisObserverTests {
    @Test("connections that come, break, fail and end, and the commands on them")
    func connections() async throws {
        let server = try RedisServer(["--requirepass", "sesame"])
        let observer = RecordingObserver()
        let place = "127.0.0.1:\(server.port)"
        let storage = try RedisFaultTests.storage("redis://:sesame@\(place)", timeout: .seconds(1)) {
            $0.observer = observer
        }
        try await storage.setItem("k", 1)
        #expect(observer.events == ["connecting \(place) 1", "connected \(place)"])
        _ = try await storage.getItem("k", as: Int.self)
        #expect(observer.reports.map(\.isRepeatable) == [false, true])
        #expect(observer.reports.allSatisfy { $0.server == place && $0.failure == nil && $0.duration >= .zero })
        #expect(observer.reports.allSatisfy { $0.queued == 0 })
        server.kill()
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Int.self) }
        #expect(observer.reports.last?.failure == error?.code)
        #expect(observer.events[2] == "disconnected \(place) connectionLost")
        #expect(observer.events.contains("failed \(place) 1 unavailable"))
        #expect(observer.events.contains("connecting \(place) 2"), "attempts are counted")
        try server.restart()
        while (try? await storage.hasItem("k")) == nil { await Task.yield() }
        #expect(observer.events.last == "connected \(place)")
        try await storage.dispose()
        #expect(observer.events.last == "disconnected \(place) closed")
        #expect(!observer.events.contains { $0.contains("sesame") })
    }

    @Test("commands that wait are counted")
    func queue() async throws {
        let server = try RedisServer()
        let observer = RecordingObserver()
        let storage = try RedisFaultTests.storage(server.url, timeout: .seconds(280)) { $0.observer = observer }
        try await storage.setItem("k", 1)
        server.freeze()
        let tasks = (0..<10).map { _ in Task { try await storage.getItem("k", as: Int.self) } }
        // What waits stays while another is given up.
        while !observer.reports.contains(where: { $0.failure == .cancelled && $0.queued >= 10 }) {
            try Task.checkCancellation()
            let short = Task { try await storage.getItem("k", as: Int.self) }
            for _ in 0..<50 { await Task.yield() }
            short.cancel()
            _ = await short.result
        }
        server.goOn()
        for task in tasks { #expect(try await task.value == 1) }
        #expect(observer.reports.count { $0.failure == nil } == 11)
        try await storage.dispose()
    }
}
