import KVStorage
import KVStorageTesting
import Sessions
import Synchronization
import Testing

@Suite("Streams that end with their session", .timeLimit(.minutes(5)))
struct StreamTests {
    private func config(_ world: World, _ store: Storage? = nil) throws -> SessionConfig<Visits> {
        try world.config(maxAge: .seconds(1000), idleTimeout: .seconds(100), store: store) {
            $0.maximumPerUser = 1
            $0.checkInterval = .seconds(5)
        }
    }

    private func logIn(_ config: SessionConfig<Visits>) async throws -> Browser {
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        return browser
    }

    /// Opens a stream as a request does, and returns a task that waits for its end.
    private func open(
        _ browser: Browser, _ config: SessionConfig<Visits>
    ) async throws -> (event: SessionEvent, end: Task<[SessionEnd], any Error>) {
        let event = browser.request()
        try await useSession(event, config)
        let ends = try await sessionEnd(event)
        return (
            event,
            Task {
                var all: [SessionEnd] = []
                for await end in ends { all.append(end) }
                return all
            }
        )
    }

    @Test("it tells at once how a session ended in this process", arguments: Store.allCases)
    func local(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        let table: [(SessionEnd, (Browser) async throws -> Void)] = [
            (.loggedOut, { try await $0.visit(config) { try await destroySession($0) } }),
            (.revoked, { _ in try await revokeSessions(of: "ada", config) }),
            (.overLimit, { _ in _ = try await self.logIn(config) }),
            (.replaced, { try await $0.visit(config) { try await authenticateSession($0, user: "bob") } }),
        ]
        for (end, action) in table {
            let browser = try await self.logIn(config)
            let stream = try await self.open(browser, config)
            try await action(browser)
            #expect(try await stream.end.value == [end])
        }
        let none = try await self.open(Browser(), config)
        #expect(try await none.end.value == [SessionEnd.none])
    }

    @Test("another server's logout and revocation end it within the interval", arguments: Store.allCases)
    func remote(store: Store) async throws {
        let world = try World(store)
        // No limit that the time which passes here could meet.
        let config = try world.config(maxAge: .seconds(1_000_000_000)) { $0.checkInterval = .seconds(5) }
        let other = try world.otherConfig(maxAge: .seconds(1_000_000_000))
        for isRevoked in [false, true] {
            let browser = try await self.logIn(config)
            let stream = try await self.open(browser, config)
            if isRevoked {
                try await revokeSessions(of: "ada", other)
            } else {
                try await browser.copy().visit(other) { try await destroySession($0) }
            }
            let isOver = Mutex(false)
            let watcher = Task {
                let end = try await stream.end.value
                isOver.withLock { $0 = true }
                return end
            }
            // The store may tell of it; if it does not, the interval passes.
            while !isOver.withLock({ $0 }) {
                try Task.checkCancellation()
                world.clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
            #expect(try await watcher.value == [isRevoked ? .revoked : .loggedOut])
        }
    }

    @Test("limits end it when they pass; what others do meanwhile counts", arguments: Store.allCases)
    func limits(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        let browser = try await self.logIn(config)
        let stream = try await self.open(browser, config)
        let isOver = Mutex(false)
        let watcher = Task {
            let end = try await stream.end.value
            isOver.withLock { $0 = true }
            return end
        }
        for _ in 0..<9 {
            world.clock.advance(by: .seconds(90))
            #expect(try await touchSession(stream.event))
            for _ in 0..<20 { await Task.yield() }
        }
        #expect(!isOver.withLock { $0 })
        // An open stream is no activity.
        world.clock.advance(by: .seconds(100))
        while !isOver.withLock({ $0 }) {
            try Task.checkCancellation()
            await Task.yield()
        }
        #expect(try await watcher.value == [.idle])

        let second = try await self.logIn(config)
        let old = try await self.open(second, config)
        let isOldOver = Mutex(false)
        let oldWatcher = Task {
            let end = try await old.end.value
            isOldOver.withLock { $0 = true }
            return end
        }
        while !isOldOver.withLock({ $0 }) {
            world.clock.advance(by: .seconds(20))
            _ = try await second.visit(config) { try await sessionInfo($0) }
            for _ in 0..<20 { await Task.yield() }
        }
        #expect(try await oldWatcher.value == [.tooOld])
    }

    @Test("regenerating, updating and logging in again as the same user go on", arguments: Store.allCases)
    func goesOn(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        let browser = try await self.logIn(config)
        let stream = try await self.open(browser, config)
        let isOver = Mutex(false)
        let watcher = Task {
            let end = try await stream.end.value
            isOver.withLock { $0 = true }
            return end
        }
        try await browser.visit(config) { try await regenerateSession($0) }
        _ = try await browser.visit(config) { try await increment($0) }
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        try await browser.visit(config) { _ = try await revokeSessions(of: "ada", except: $0, config) }
        for _ in 0..<10 {
            world.clock.advance(by: .seconds(5))
            for _ in 0..<50 { await Task.yield() }
        }
        #expect(!isOver.withLock { $0 })
        try await browser.visit(config) { try await destroySession($0) }
        #expect(try await watcher.value == [.loggedOut])
    }

    @Test("ten thousand streams cost one batch a check, and nothing once they are gone")
    func cost() async throws {
        let world = try World()
        let config = try world.config { $0.checkInterval = .seconds(5) }
        var tasks: [Task<[SessionEnd], any Error>] = []
        for _ in 0..<10_000 {
            let browser = Browser()
            _ = try await browser.visit(config) { try await increment($0) }
            tasks.append(try await self.open(browser, config).end)
        }
        // The checks that the streams themselves have caused are over once one finds all of them.
        func check() async -> [DriverCall] {
            _ = world.counting.reset()
            while true {
                world.clock.advance(by: .seconds(5))
                for _ in 0..<1000 { await Task.yield() }
                let calls = world.counting.reset()
                if !calls.isEmpty { return calls }
            }
        }
        _ = await check()
        let calls = await check()
        #expect(Set(calls.map(\.operation)) == [.getMany])
        #expect(calls.allSatisfy { $0.keys.count == 10_000 })
        for task in tasks { task.cancel() }
        for task in tasks { #expect(try await task.value.isEmpty) }
        // A check that is under way ends; then there is none in many intervals.
        var quiet = 0
        for _ in 0..<1000 where quiet < 20 {
            _ = world.counting.reset()
            world.clock.advance(by: .seconds(5))
            for _ in 0..<100 { await Task.yield() }
            quiet = world.counting.reset().isEmpty ? quiet + 1 : 0
        }
        #expect(quiet == 20)
    }

    @Test("nothing is kept once the last stream has ended, by whoever noticed it")
    func nothingIsKept() async throws {
        final class Token: Sendable {
            func note() {}
        }
        for isNoticedByCheck in [false, true] {
            weak var token: Token?
            let world = try World()
            do {
                let kept = Token()
                token = kept
                let config = try world.config(idleTimeout: .seconds(100)) { options in
                    options.checkInterval = .seconds(5)
                    // Whatever keeps the configuration keeps this.
                    options.onActivity = { _ in kept.note() }
                }
                let browser = try await self.logIn(config)
                let stream = try await self.open(browser, config)
                if isNoticedByCheck {
                    world.clock.advance(by: .seconds(100))
                } else {
                    try await browser.visit(config) { try await destroySession($0) }
                }
                #expect(try await stream.end.value == [isNoticedByCheck ? .idle : .loggedOut])
            }
            while token != nil {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
    }

    @Test("withSession cancels its body when the session ends, and returns what a body returns before")
    func withSessions() async throws {
        let world = try World()
        let config = try self.config(world)
        let browser = try await self.logIn(config)
        let event = browser.request()
        try await useSession(event, config)
        #expect(try await withSession(event) { 7 } == 7)
        struct Failure: Error {}
        await #expect(throws: Failure.self) { try await withSession(event) { throw Failure() } }
        let isStarted = Mutex(false)
        async let outcome = code {
            try await withSession(event) {
                isStarted.withLock { $0 = true }
                try await Task.sleep(for: .seconds(1000))
            }
        }
        while !isStarted.withLock({ $0 }) { await Task.yield() }
        try await browser.visit(config) { try await destroySession($0) }
        #expect(try await outcome == .gone)
        let late = browser.request()
        try await useSession(late, config)
        #expect(try await code { try await withSession(late) { _ = Issue.record("the body ran") } } == .gone)
        // Who waits and is cancelled gets that, not the session's end.
        let second = try await self.logIn(config)
        let other = second.request()
        try await useSession(other, config)
        let task = Task { try await withSession(other) { try await Task.sleep(for: .seconds(1000)) } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
