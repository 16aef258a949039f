import KVStorage
import Testing

@testable import KVStorageRedis

@Suite("Redis faults", .timeLimit(.minutes(5)))
struct RedisFaultTests {
    static func storage(
        _ url: String,
        timeout: Duration = .seconds(20),
        _ change: (inout RedisDriver.Configuration) -> Void = { _ in }
    ) throws -> Storage {
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = timeout
        configuration.reconnectDelay = .milliseconds(1)...(.milliseconds(20))
        change(&configuration)
        return try Storage(.redis(url, configuration))
    }

    private func code(_ body: () async throws -> Void) async -> StorageError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? StorageError)?.code
        }
    }

    @Test("A server that is away: calls fail when their time is over, and say why")
    func away() async throws {
        let storage = try Self.storage("redis://127.0.0.1:1", timeout: .milliseconds(200))
        let error = await #expect(throws: StorageError.self) { try await storage.setItem("k", 1) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("refused") == true)
        #expect(error?.key == "k")
        try await storage.dispose()
        let missing = try Self.storage("unix:///tmp/kvstorage-no-such.sock", timeout: .milliseconds(100))
        #expect(await self.code { _ = try await missing.getKeys() } == .unavailable)
        try await missing.dispose()
        let nowhere = try Self.storage("redis://no-such-host.invalid", timeout: .milliseconds(500))
        #expect(await self.code { _ = try await nowhere.hasItem("k") } == .unavailable)
        try await nowhere.dispose()
    }

    @Test("A server that comes back in time: what waits is done")
    func comesBack() async throws {
        let server = try RedisServer()
        let storage = try Self.storage(server.url)
        try await storage.setItem("before", 1)
        server.kill()
        let written = Task { try await storage.setItem("k", 7) }
        let read = Task { try await storage.getItem("absent", as: Int.self) }
        try server.restart()
        // The first may have been handed to a socket whose end had not been noticed: then its caller is told so.
        if let lost = await self.code({ try await written.value }) { #expect(lost == .connectionLost) }
        #expect(try await read.value == nil)
        try await storage.setItem("k", 8)
        #expect(try await storage.getItem("k") == 8)
        try await storage.dispose()
    }

    @Test("A server that hangs: calls time out, the rest is refused when too much waits, and all goes on afterwards")
    func frozen() async throws {
        let server = try RedisServer()
        let storage = try Self.storage(server.url, timeout: .milliseconds(300)) { $0.maximumQueuedCommands = 8 }
        try await storage.setItem("k", 1)
        server.freeze()
        let start = ContinuousClock.now
        let codes = await withTaskGroup(of: StorageError.Code?.self, returning: [StorageError.Code?].self) { group in
            for number in 0..<20 {
                group.addTask {
                    await self.code {
                        if number.isMultiple(of: 2) {
                            try await storage.setItem("k\(number)", 1)
                        } else {
                            _ = try await storage.getItem("k", as: Int.self)
                        }
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let elapsed = ContinuousClock.now - start
        server.goOn()
        #expect(elapsed < .seconds(30), "far more than the time of a command, as the machine may be busy")
        #expect(codes.count { $0 == .overloaded } == 12)
        let rest = codes.filter { $0 != .overloaded }
        #expect(rest.allSatisfy { $0 == .timeout || $0 == .unavailable || $0 == .connectionLost }, "\(rest)")
        // Its commands may still be on their way; the connection is made anew or goes on, both are fine.
        while await self.code({ try await storage.setItem("after", 2) }) != nil {}
        #expect(try await storage.getItem("after") == 2)
        try await storage.dispose()
    }

    @Test("Something that accepts and never answers: the attempt ends in time")
    func silent() async throws {
        let (descriptor, port) = try LoopbackSocket.listen()
        defer { RedisPlatform.close(descriptor) }
        let storage = try Self.storage("redis://127.0.0.1:\(port)", timeout: .milliseconds(400)) {
            $0.connectTimeout = .milliseconds(100)
        }
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Int.self) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("did not answer in time") == true)
        try await storage.dispose()
    }

    @Test("A connection that is cut after any number of bytes: reads come right, writes are done or reported")
    func cut() async throws {
        let server = try RedisServer.shared.get()
        let direct = try Self.storage(server.url)
        let value = String(repeating: "value", count: 8)
        try await direct.setItem("cut:value", value)
        for limit in 0..<80 {
            let proxy = try FaultyProxy(to: server.port, [.cut(after: limit)])
            let storage = try Self.storage(proxy.url)
            #expect(try await storage.getItem("cut:value") == value)
            let key = "cut:\(limit)"
            let sum = try? await storage.incrementItem(key)
            let stored = try await direct.getItem(key, as: Int.self)
            #expect(sum == nil || stored == sum)
            if sum == nil { #expect(stored == nil || stored == 1) }
            try await storage.dispose()
        }
        for limit in stride(from: 0, to: 60, by: 3) {
            let proxy = try FaultyProxy(to: server.port, [.cut(after: limit)])
            let storage = try Self.storage(proxy.url)
            let code = await self.code { try await storage.setItem("cut:set", limit) }
            #expect(code == nil || code == .connectionLost)
            if code == nil { #expect(try await direct.getItem("cut:set") == limit) }
            try await storage.dispose()
        }
        try await direct.clear("cut")
        try await direct.dispose()
    }

    @Test("Bytes that come one by one")
    func dribble() async throws {
        let proxy = try FaultyProxy(to: try RedisServer.shared.get().port, [.dribble])
        let storage = try Self.storage(proxy.url)
        let values = (0..<50).map { ("dribble:\($0)", String(repeating: "\($0),", count: $0 * 3)) }
        try await storage.setItems(values)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (key, value) in values {
                group.addTask {
                    let read = try await storage.getItem(key, as: String.self)
                    #expect(read == value)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await storage.clear("dribble") == 50)
        #expect(proxy.accepted == 1)
        try await storage.dispose()
    }

    @Test("Something that is no Redis server: a clear error, at first and in the middle")
    func nonsense() async throws {
        let server = try RedisServer.shared.get()
        let never = try FaultyProxy(to: server.port, Array(repeating: .corrupt(after: 0), count: 1000))
        let storage = try Self.storage(never.url, timeout: .milliseconds(200))
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Int.self) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("not what a Redis server sends") == true)
        try await storage.dispose()
        // The handshake is answered in less.
        let later = try FaultyProxy(to: server.port, [.corrupt(after: 10_000)])
        let second = try Self.storage(later.url)
        var broken: StorageError?
        for _ in 0..<10_000 where broken == nil {
            do throws(StorageError) {
                #expect(try await second.getItem("nonsense:absent", as: Int.self) == nil)
            } catch { broken = error }
        }
        #expect(broken?.code == .connectionLost)
        #expect(broken?.message.contains("not what a Redis server sends") == true)
        #expect(try await second.getItem("nonsense:absent", as: Int.self) == nil)
        try await second.dispose()
    }

    /// Has 32 tasks read, write and count on one connection while the fault happens, and checks every answer.
    private func checkUnderLoad(_ server: RedisServer, rounds: Int, fault: (Int) async throws -> Void) async throws {
        let storage = try Self.storage(server.url)
        let acknowledged = Counter()
        let uncertain = Counter()
        let isOver = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                group.addTask {
                    var round = 0
                    // What the item may hold: the last write that was acknowledged, or one later that may have run.
                    var possible: Set<String> = []
                    var wasWritten = false
                    while isOver.now == 0 {
                        round += 1
                        let value = "\(number) \(round)"
                        switch await self.code({ try await storage.setItem("k\(number)", value) }) {
                        case nil: (possible, wasWritten) = ([value], true)
                        case .connectionLost?, .timeout?: possible.insert(value)
                        // On a machine with too much to do it may not be sent in time: then nothing was changed.
                        case .unavailable?: break
                        case let code?: Issue.record("\(code)")
                        }
                        do throws(StorageError) {
                            let read = try await storage.getItem("k\(number)", as: String.self)
                            #expect(possible.contains(read ?? "") || (read == nil && !wasWritten))
                        } catch {
                            // On a machine with too much to do an answer may come too late.
                            #expect(error.code == .timeout || error.code == .unavailable)
                        }
                        switch await self.code({ try await storage.incrementItem("count") }) {
                        case nil: acknowledged.add()
                        case .connectionLost?, .timeout?: uncertain.add()
                        case .unavailable?: break
                        case let code?: Issue.record("\(code)")
                        }
                    }
                }
            }
            for round in 0..<rounds {
                let target = acknowledged.now + 200
                while acknowledged.now < target { await Task.yield() }
                try await fault(round)
            }
            isOver.add()
            try await group.waitForAll()
        }
        let count = try await storage.getItem("count", as: Int.self) ?? 0
        #expect(count >= acknowledged.now)
        #expect(count <= acknowledged.now + uncertain.now)
        try await storage.dispose()
    }

    @Test("Connections that the server ends under load")
    func clientKill() async throws {
        let server = try RedisServer()
        try await self.checkUnderLoad(server, rounds: 20) { _ in
            try await server.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        }
    }

    @Test("A server that is killed and started again under load loses nothing that was acknowledged")
    func killed() async throws {
        // Written before the answer; "everysec" may put that off while it flushes. Flushing is the system's matter here.
        let server = try RedisServer(["--appendonly", "yes", "--appendfsync", "no"])
        try await self.checkUnderLoad(server, rounds: 4) { _ in
            server.kill()
            try server.restart()
        }
    }

    @Test("A server that stops and goes on under load")
    func paused() async throws {
        let server = try RedisServer()
        try await self.checkUnderLoad(server, rounds: 10) { _ in
            server.freeze()
            for _ in 0..<200 { await Task.yield() }
            server.goOn()
        }
    }

    @Test("A driver that is let go of without dispose ends its thread and connection")
    func letGo() async throws {
        let server = try RedisServer()
        do {
            let storage = try Self.storage(server.url)
            try await storage.setItem("k", 1)
        }
        // Only the connection that asks is left.
        while true {
            guard case .bytes(let list) = try await server.call("CLIENT", "LIST") else { break }
            if !String(decoding: list, as: UTF8.self).contains("name=kvstorage") { break }
            await Task.yield()
        }
    }
}
