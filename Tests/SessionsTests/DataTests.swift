import KVStorage
import KVStorageTesting
import Sessions
import Testing

/// What the application's data goes through: its versions and its codec.
@Suite("Data of a session")
struct DataTests {
    /// What the application kept before it kept ``Visits``.
    struct OldVisits: Codable, Sendable { var visits = 0 }

    struct Refusal: Error {}

    /// A text of the application's own: not JSON.
    struct LineCodec: StorageCodec {
        struct Unknown: Error {}

        func encode<Value: Encodable>(_ value: Value) throws -> [UInt8] {
            switch value {
            case let visits as Visits: Array("\(visits.count)|\(visits.note)".utf8)
            case let text as String: Array("text|\(text)".utf8)
            default: throw Unknown()
            }
        }

        func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
            let parts = String(decoding: bytes, as: UTF8.self).split(separator: "|", omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw Unknown() }
            let value: Any? =
                type == String.self ? String(parts[1]) : Int(parts[0]).map { Visits(count: $0, note: String(parts[1])) }
            guard let value = value as? Value else { throw Unknown() }
            return value
        }
    }

    private func old(_ world: World) throws -> SessionConfig<OldVisits> {
        try SessionConfig(in: world.place, options: world.options) { OldVisits() }
    }

    private func new(
        _ world: World,
        version: Int = 2,
        migrate: (@Sendable ([UInt8], Int) throws -> Visits?)? = nil
    ) throws -> SessionConfig<Visits> {
        var options = world.options
        options.dataVersion = version
        return try SessionConfig(in: world.place, options: options, { Visits() }, migrate: migrate)
    }

    private static let fromOld: @Sendable ([UInt8], Int) throws -> Visits? = { data, version in
        guard version == 1 else { return nil }
        return Visits(count: try JSONStorageCodec().decode(OldVisits.self, from: data).visits, note: "migrated")
    }

    private func count(_ browser: Browser, _ config: SessionConfig<Visits>) async throws -> Visits? {
        try await browser.visit(config) { try await getSession($0, as: Visits.self) }
    }

    @Test(
        "R17 data of an older version is migrated as it is read, and written by the next update",
        arguments: Store.allCases)
    func migration(store: Store) async throws {
        let world = try World(store)
        let browser = Browser()
        try await browser.visit(try self.old(world)) {
            try await updateSession($0, as: OldVisits.self) { $0.visits = 7 }
        }
        try await browser.visit(try self.old(world)) { try await setFlash($0, "notice", "kept") }
        let config = try self.new(world, migrate: Self.fromOld)
        _ = world.counting.reset()
        #expect(try await self.count(browser, config) == Visits(count: 7, note: "migrated"))
        #expect(world.counting.writes.isEmpty)
        // The old version still reads what was not written anew, also where something beside the data was.
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == "kept")
        #expect(
            try await browser.visit(try self.old(world)) { try await getSession($0, as: OldVisits.self)?.visits } == 7)
        #expect(try await browser.visit(config) { try await increment($0) } == 8)
        #expect(try await self.count(browser, try self.new(world)) == Visits(count: 8, note: "migrated"))
        #expect(
            try await browser.copy().visit(try self.old(world)) { try await getSession($0, as: OldVisits.self) } == nil)
        #expect(try await world.keys().count == 1)
    }

    @Test(
        "R30 data that is not migrated has no value, and is left alone by every call but a logout",
        arguments: Store.allCases)
    func refusedMigration(store: Store) async throws {
        let world = try World(store)
        let browser = Browser()
        try await browser.visit(try self.old(world)) {
            try await updateSession($0, as: OldVisits.self) { $0.visits = 7 }
        }
        let configs = [
            try self.new(world), try self.new(world) { _, _ in nil }, try self.new(world) { _, _ in throw Refusal() },
        ]
        for config in configs {
            #expect(try await self.count(browser, config) == nil)
            let other = browser.copy()
            #expect(
                try await other.visit(config) { event in try await code { try await increment(event) } } == .undecodable
            )
            #expect(try await other.visit(config) { try await sessionInfo($0) } != nil)
            _ = try await other.visit(config) { try await csrfToken($0) }
            #expect(other.cookies == browser.cookies)
        }
        #expect(
            try await browser.visit(try self.old(world)) { try await getSession($0, as: OldVisits.self)?.visits } == 7)
    }

    @Test("the configuration's codec writes data and flash values", arguments: Store.allCases)
    func codec(store: Store) async throws {
        let world = try World(store)
        var options = world.options
        options.codec = LineCodec()
        let config = try SessionConfig(in: world.place, options: options) { Visits() }
        let browser = Browser()
        try await browser.visit(config) { event in
            try await updateSession(event, as: Visits.self) { $0 = Visits(count: 3, note: "tea") }
            try await setFlash(event, "notice", "saved")
        }
        #expect(try await self.count(browser, config) == Visits(count: 3, note: "tea"))
        #expect(try await browser.visit(config) { try await takeFlash($0, "notice", as: String.self) } == "saved")
        let key = try #require(try await world.keys().first)
        let record = String(decoding: try #require(try await world.storage.getItemRaw(key)), as: UTF8.self)
        #expect(record.hasSuffix("\n\n3|tea"))
        let outcome = try await browser.visit(config) { event in try await code { try await setFlash(event, "x", 1.5) }
        }
        #expect(outcome == .encoding)
    }
}
