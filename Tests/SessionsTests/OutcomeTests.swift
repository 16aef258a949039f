import KVStorage
import KVStorageTesting
import Sessions
import Testing

/// Every session function with every one of its storage calls failing, before or after it was carried out, once or for good.
@Suite("Session functions whose storage fails")
struct OutcomeTests {
    enum Function: String, Sendable, CaseIterable, CustomTestStringConvertible {
        case create, update, regenerate, logIn, logInWithCarry, logInAgain, logInAsOther, destroy, flash

        var testDescription: String { self.rawValue }

        /// Whose session the request has to begin with: `nil` for none, "" for nobody's.
        var user: String? {
            switch self {
            case .create: nil
            case .logIn, .logInWithCarry: ""
            default: "ada"
            }
        }

        func run(_ event: SessionEvent) async throws {
            switch self {
            case .create, .update: try await increment(event)
            case .regenerate: try await regenerateSession(event)
            case .logIn, .logInAgain: try await authenticateSession(event, user: "ada")
            case .logInWithCarry:
                try await authenticateSession(event, user: "ada", as: Visits.self) { $1.count = $0.count }
            case .logInAsOther: try await authenticateSession(event, user: "bob")
            case .destroy: try await destroySession(event)
            case .flash: try await setFlash(event, "a", 1)
            }
        }
    }

    private func isAlive(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Bool {
        try await browser.copy().visit(config) { try await sessionInfo($0) } != nil
    }

    @Test(
        "exactly one token works afterwards, or none after a logout; only a lost answer and a lost read leave it open",
        arguments: Function.allCases, FaultyDriver.Moment.allCases)
    func faults(function: Function, moment: FaultyDriver.Moment) async throws {
        for store in Store.allCases {
            for isLasting in [false, true] {
                var index = 0
                while try await self.fault(function, moment, isLasting, at: index, store) { index += 1 }
                #expect(index >= 1)
            }
        }
    }

    /// Lets one call fail and looks at what is left; `false` if the function makes no such call.
    private func fault(
        _ function: Function, _ moment: FaultyDriver.Moment, _ isLasting: Bool, at index: Int, _ store: Store
    ) async throws -> Bool {
        let place = "\(store) \(function) \(moment) call \(index)\(isLasting ? " for good" : "")"
        let world = try World(store)
        let config = try world.config { $0.maximumPerUser = 1 }
        let browser = Browser()
        if let user = function.user {
            _ = try await browser.visit(config) { event in
                if !user.isEmpty { try await authenticateSession(event, user: user) }
                try await increment(event)
            }
        }
        let old = browser.copy()
        world.faulty.fail(at: index, moment, lasting: isLasting)
        let outcome = try await browser.visit(config) { event in try await code { try await function.run(event) } }
        if world.faulty.repair() { return false }
        let isOldAlive = try await self.isAlive(old, config)
        let isSent = browser.cookies != old.cookies
        switch outcome {
        case nil:
            if function == .destroy {
                #expect(browser.cookies.isEmpty && !isOldAlive, "\(place)")
            } else {
                #expect(try await self.isAlive(browser, config), "\(place)")
                if isSent { #expect(!isOldAlive, "\(place)") }
            }
        case .storage:
            #expect(!isSent, "\(place)")
            #expect(isOldAlive == (function.user != nil), "\(place)")
        case .outcomeUnknown:
            // No cookie is sent; the old one may be dead.
            #expect(isLasting, "\(place)")
            #expect(!isSent, "\(place)")
        default:
            Issue.record("\(place): \(String(describing: outcome))")
        }
        // None lives that a revocation misses.
        for user in ["ada", "bob"] { try await revokeSessions(of: user, config) }
        if function.user?.isEmpty == false || outcome == nil && function != .create {
            #expect(try await !self.isAlive(browser, config), "\(place)")
        }
        for user in ["ada", "bob"] { #expect(try await listSessions(of: user, config).isEmpty, "\(place)") }
        return true
    }

    @Test("an update whose answer is lost is done once, and says so", arguments: Store.allCases)
    func lostAnswer(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        _ = try await browser.visit(config) { try await increment($0) }
        world.faulty.fail(.after) { $0.operation == .swap }
        #expect(try await browser.visit(config) { try await increment($0) } == 2)
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 2)
    }
}
