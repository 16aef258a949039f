import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Flash values")
struct FlashTests {
    @Test("R37 a flash value is there for exactly one taker", arguments: Store.allCases)
    func flash(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) { try await setFlash($0, "notice", "saved") }
        try await browser.visit(config) { try await setFlash($0, "other: \n", Visits(count: 3)) }
        _ = world.counting.reset()
        #expect(try await browser.visit(config) { try await takeFlash($0, "missing", as: String.self) } == nil)
        #expect(world.counting.writes.isEmpty)
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == "saved")
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == nil)
        _ = try await browser.visit(config) { try await increment($0) }
        #expect(
            try await browser.visit(config) { try await takeFlash($0, "other: \n", as: Visits.self) }
                == Visits(count: 3))
        #expect(try await Browser().visit(config) { try await takeFlash($0, "notice", as: String.self) } == nil)
        #expect(try await world.keys().count == 1)
    }

    @Test("R37 of many requests that take a flash value at once one gets it", arguments: Store.allCases)
    func flashConcurrently(store: Store) async throws {
        let world = try World(store)
        let config = try world.config()
        let browser = Browser()
        try await browser.visit(config) { try await setFlash($0, "notice", "saved") }
        let taken = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await browser.copy().visit(config) { event in
                        try await increment(event)
                        return try await takeFlash(event, "notice", as: String.self)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(taken.compactMap(\.self) == ["saved"])
        #expect(try await browser.visit(config) { try await getSession($0, as: Visits.self)?.count } == 20)
    }

    @Test("R31 R37 flash values count for the limit, and go along when the ID changes", arguments: Store.allCases)
    func flashLimits(store: Store) async throws {
        let world = try World(store)
        let config = try world.config { options in
            options.maximumDataBytes = 200
            options.regenerationGrace = .seconds(10)
        }
        let browser = Browser()
        try await browser.visit(config) { try await setFlash($0, "notice", "saved") }
        let outcome = try await browser.visit(config) { event in
            try await code { try await setFlash(event, "big", String(repeating: "x", count: 150)) }
        }
        #expect(outcome == .tooLarge)
        let old = browser.copy()
        try await browser.visit(config) { try await regenerateSession($0) }
        #expect(try await old.visit(config) { try await takeFlash($0, "notice", as: String.self) } == nil)
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == "saved")
    }
}
