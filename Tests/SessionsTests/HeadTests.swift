import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("After the response's head was sent")
struct HeadTests {
    private func event(
        _ browser: Browser, _ config: SessionConfig<Visits>, isRead: Bool = false
    ) async throws -> SessionEvent {
        let event = browser.request()
        try await useSession(event, config)
        if isRead { _ = try await sessionInfo(event) }
        var fields: HTTPFields = [:]
        event.apply(to: &fields)
        return event
    }

    @Test("R24 what needs a cookie throws before it touches storage, and the login stays", arguments: Store.allCases)
    func refused(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        let actions: [(SessionEvent) async throws -> Void] = [
            { try await regenerateSession($0) }, { try await authenticateSession($0, user: "ada") },
            { try await authenticateSession($0, user: "bob") },
        ]
        for isRead in [false, true] {
            for action in actions {
                let event = try await self.event(browser, config, isRead: isRead)
                _ = world.counting.reset()
                #expect(try await code { try await action(event) } == .headSent)
                #expect(world.counting.reset().isEmpty)
            }
        }
        let new = try await self.event(Browser(), config)
        for action in actions.dropFirst() + [{ _ = try await increment($0) }, { try await setFlash($0, "a", 1) }] {
            #expect(try await code { try await action(new) } == .headSent)
        }
        #expect(world.counting.reset().isEmpty)
        #expect(try await browser.visit(config) { try await sessionInfo($0)?.user } == "ada")
    }

    @Test("reading, updating, revoking and logging out go on; a rolling cookie waits", arguments: Store.allCases)
    func allowed(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(600), rolling: true)
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        let event = try await self.event(browser, config)
        world.clock.advance(by: .seconds(300))
        #expect(try await increment(event) == 1)
        #expect(try await getSession(event, as: Visits.self)?.count == 1)
        #expect(event.setCookies.isEmpty)
        #expect(try await revokeSessions(of: "ada", except: event, config) == 0)
        #expect(try await increment(event) == 2)
        #expect(try await browser.visit(config) { try await increment($0) } == 3)
        try await destroySession(event)
        #expect(event.setCookies.isEmpty)
        #expect(try await browser.visit(config) { try await sessionInfo($0) } == nil)
    }

    @Test("no change of a sealed session goes on, as its cookie is the session")
    func sealed() async throws {
        let world = try World()
        let key = try SealingKey(id: "a", bytes: Array(repeating: 7, count: 32))
        let config = try SessionConfig(
            in: .cookie(sealedWith: [key], revocations: world.storage), options: world.options
        ) { Visits() }
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        let event = try await self.event(browser, config)
        let stored = try await world.storage.getKeys()
        #expect(try await code { try await increment(event) } == .headSent)
        #expect(try await code { try await setFlash(event, "a", 1) } == .headSent)
        #expect(try await code { _ = try await revokeSessions(of: "ada", except: event, config) } == .headSent)
        #expect(try await world.storage.getKeys() == stored)
        #expect(try await getSession(event, as: Visits.self)?.count == 0)
        try await destroySession(event)
        #expect(try await browser.visit(config) { try await sessionInfo($0) } == nil)
    }

    @Test("an event that lives on reads anew when it is told to, and when its time is up", arguments: Store.allCases)
    func refetch(store: Store) async throws {
        let world = try World(store)
        let config = try world.config(idleTimeout: .seconds(60)) { $0.touchInterval = .seconds(59) }
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        let event = try await self.event(browser, config, isRead: true)
        _ = try await browser.visit(config) { try await increment($0) }
        #expect(try await getSession(event, as: Visits.self)?.count == 1)
        #expect(try await refetchSession(event, as: Visits.self)?.count == 2)
        #expect(try await getSession(event, as: Visits.self)?.count == 2)
        world.clock.advance(by: .seconds(59))
        _ = try await browser.visit(config) { try await increment($0) }
        world.clock.advance(by: .seconds(2))
        // By what it knew the session would be over; others have used it since.
        #expect(try await sessionInfo(event) != nil)
        world.clock.advance(by: .seconds(60))
        #expect(try await sessionInfo(event) == nil)
        let second = Browser()
        _ = try await second.visit(config) { try await increment($0) }
        let other = try await self.event(second, config, isRead: true)
        try await second.visit(config) { try await destroySession($0) }
        #expect(try await getSession(other, as: Visits.self)?.count == 1)
        #expect(try await refetchSession(other, as: Visits.self) == nil)
        #expect(try await touchSession(other) == false)
        #expect(try await getSession(other, as: Visits.self) == nil)
    }
}
