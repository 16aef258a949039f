import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Synchronization
import Testing

/// A logout is final whatever else is under way.
@Suite("Logouts that are final")
struct FinalityTests {
    /// What another request of the same browser does with a session of the user ada.
    enum Action: String, Sendable, CaseIterable, CustomTestStringConvertible {
        case regenerate, update, touch, revokeOthers, logInAgain, flash

        var testDescription: String { self.rawValue }

        func run(_ event: SessionEvent, _ config: SessionConfig<Visits>) async throws {
            switch self {
            case .regenerate: try await regenerateSession(event)
            case .update: try await increment(event)
            case .touch: _ = try await getSession(event, as: Visits.self)
            case .revokeOthers: try await revokeSessions(of: "ada", except: event, config)
            case .logInAgain: try await authenticateSession(event, user: "ada")
            case .flash: try await setFlash(event, "a", 1)
            }
        }
    }

    private func config(_ world: World) throws -> SessionConfig<Visits> {
        try world.config(idleTimeout: .seconds(36_000)) { $0.touchInterval = .seconds(1) }
    }

    private func logIn(_ config: SessionConfig<Visits>) async throws -> Browser {
        let browser = Browser()
        try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
        return browser
    }

    /// Whether any of the cookies is still the user's.
    private func isAlive(_ browsers: [Browser], _ config: SessionConfig<Visits>) async throws -> Bool {
        for browser in browsers {
            let user = try await browser.copy().visit(config) { try await sessionInfo($0)?.user }
            if user != nil { return true }
        }
        return false
    }

    @Test(
        "A42 A45 with a pause of minutes at any storage call of another request, nothing is alive after a logout",
        arguments: Store.allCases, Action.allCases)
    func pausedAction(store: Store, action: Action) async throws {
        for moment in [PausingDriver.Moment.before, .after] {
            var index = 0
            while true {
                let world = try World(store)
                let config = try self.config(world)
                let browser = try await self.logIn(config)
                let old = browser.copy()
                world.clock.advance(by: .seconds(2))
                let event = browser.request()
                try await useSession(event, config)
                let calls = CallCounter()
                let pause = world.pausing.pause(moment) { [index] _ in calls.next() == index }
                let task = Task { try await action.run(event, config) }
                let isOver = Mutex(false)
                Task {
                    _ = await task.result
                    isOver.withLock { $0 = true }
                    // If the action makes fewer calls, the pause is never reached.
                    pause.resume()
                }
                while !pause.isReached, !isOver.withLock({ $0 }) { await Task.yield() }
                guard pause.isReached else { break }
                let isBeforeLogin = action == .logInAgain && index == 0 && moment == .before
                world.clock.advance(by: .seconds(300))
                // The browser may have moved on already.
                let logout = old.copy()
                try await logout.visit(try self.config(world)) { try await destroySession($0) }
                pause.resume()
                _ = await task.result
                browser.receive(event)
                // A login that finds no session any more is a new one, which comes after the logout.
                if !isBeforeLogin {
                    #expect(try await !self.isAlive([browser, old], config), "\(moment) call \(index)")
                    #expect(try await listSessions(of: "ada", config).isEmpty, "\(moment) call \(index)")
                }
                index += 1
            }
            #expect(index >= 2)
        }
    }

    @Test(
        "A42 with a pause of minutes at any storage call of the logout, nothing is alive once it answers",
        arguments: Store.allCases, Action.allCases)
    func pausedLogout(store: Store, action: Action) async throws {
        for moment in [PausingDriver.Moment.before, .after] {
            var index = 0
            while true {
                let world = try World(store)
                let config = try self.config(world)
                let browser = try await self.logIn(config)
                let old = browser.copy()
                world.clock.advance(by: .seconds(2))
                let event = old.copy().request()
                try await useSession(event, config)
                let calls = CallCounter()
                let pause = world.pausing.pause(moment) { [index] _ in calls.next() == index }
                let task = Task { try await destroySession(event) }
                let isOver = Mutex(false)
                Task {
                    _ = await task.result
                    isOver.withLock { $0 = true }
                    pause.resume()
                }
                while !pause.isReached, !isOver.withLock({ $0 }) { await Task.yield() }
                guard pause.isReached else { break }
                world.clock.advance(by: .seconds(300))
                // The last call only tidies the user's list: the record is gone, and a login then is a new one.
                let isGone = try await world.records().isEmpty
                try await browser.visit(config) { event in
                    do { try await action.run(event, config) } catch let error as SessionError { _ = error }
                }
                pause.resume()
                try await task.value
                if !(isGone && action == .logInAgain) {
                    #expect(try await !self.isAlive([browser, old], config), "\(moment) call \(index)")
                }
                index += 1
            }
            #expect(index >= 2)
        }
    }

    @Test("of a logout and a login from an anonymous session the later answer decides", arguments: Store.allCases)
    func anonymousLogin(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        for isLogoutLater in [false, true] {
            let browser = Browser()
            _ = try await browser.visit(config) { try await increment($0) }
            let old = browser.copy()
            let event = browser.request()
            try await useSession(event, config)
            _ = try await sessionInfo(event)
            if !isLogoutLater { try await old.visit(config) { try await destroySession($0) } }
            try await authenticateSession(event, user: "ada")
            browser.receive(event)
            if isLogoutLater { try await browser.copy().visit(config) { try await destroySession($0) } }
            let user = try await browser.visit(config) { try await sessionInfo($0)?.user }
            #expect(user == (isLogoutLater ? nil : "ada"))
        }
    }

    @Test("a logout with the ID before several regenerations ends the session", arguments: Store.allCases)
    func oldID(store: Store) async throws {
        for grace in [Duration.zero, .seconds(60)] {
            let world = try World(store)
            let config = try world.config { $0.regenerationGrace = grace }
            let browser = try await self.logIn(config)
            let old = browser.copy()
            for _ in 0..<20 { try await browser.visit(config) { try await regenerateSession($0) } }
            try await old.visit(config) { try await destroySession($0) }
            #expect(try await !self.isAlive([browser], config))
            #expect(try await world.keys().isEmpty)
        }
    }

    @Test("R25 two good cookies name no session, and a logout ends both", arguments: Store.allCases)
    func twoCookies(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browsers = [try await self.logIn(config), try await self.logIn(config)]
        let values = browsers.compactMap { $0.cookies[config.cookieName] }
        var request = Browser().request().request
        request.headerFields[.cookie] = values.map { "\(config.cookieName)=\($0)" }.joined(separator: "; ")
        let event = SessionEvent(request: request, remoteAddress: "192.0.2.1", isSecure: true)
        try await useSession(event, config)
        #expect(try await sessionInfo(event) == nil)
        try await destroySession(event)
        #expect(event.setCookies.count == 1)
        #expect(try await !self.isAlive(browsers, config))
        #expect(try await world.keys().isEmpty)
    }

    @Test("two tasks, a logout and anything else, over and over: nothing is alive", arguments: Store.allCases)
    func race(store: Store) async throws {
        let world = try World(store)
        let config = try self.config(world)
        for round in 0..<(store == .memory ? 40 : 10) {
            for action in Action.allCases where action != .logInAgain {
                let browser = try await self.logIn(config)
                world.clock.advance(by: .seconds(2))
                let old = browser.copy()
                let event = browser.request()
                try await useSession(event, config)
                async let logout: Void = old.copy().visit(config) { try await destroySession($0) }
                do { try await action.run(event, config) } catch let error as SessionError { _ = error }
                try await logout
                let isUnsent = event.setCookies.isEmpty
                browser.receive(event)
                // What found no session may have made a new, anonymous one.
                let user = try await browser.visit(config) { try await sessionInfo($0)?.user }
                #expect(user == nil, "round \(round) \(action) \(isUnsent)")
                #expect(try await old.visit(config) { try await sessionInfo($0) } == nil)
            }
        }
    }
}
