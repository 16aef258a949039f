import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Sessions
import Testing

@Suite("Stores that are unfit for sessions")
struct StoreCheckTests {
    private func config(
        _ storage: Storage, allowing allowed: Capabilities.Feature = []
    ) throws -> SessionConfig<Visits> {
        try SessionConfig(in: .storage(storage, secrets: [World.secret], allowing: allowed)) { Visits() }
    }

    private var unfit: [(Storage, Capabilities.Feature)] {
        [
            (Storage(.memory(maximumItems: 20)), .evicts), (Storage(.null), .discards),
            (Storage(.readOnly(.memory)), .readOnly), (Storage(.cached(.memory)), .readsMayBeOld),
        ]
    }

    @Test("they are refused when configured, unless asked for by name")
    func refused() async throws {
        for (storage, feature) in self.unfit {
            let outcome = try await code { _ = try self.config(storage) }
            #expect(outcome == .invalidConfiguration, "\(feature)")
            _ = try self.config(storage, allowing: [.evicts, .discards, .readOnly, .readsMayBeOld])
        }
        #expect(try await code { _ = try self.config(Storage().prefixed("/")) } == .invalidConfiguration)
        let key = try SealingKey(id: "a", bytes: Array(repeating: 7, count: 32))
        #expect(throws: SessionError.self) {
            try SessionConfig(in: .cookie(sealedWith: [key], revocations: Storage(.null))) { Visits() }
        }
    }

    @Test("one that is mounted later is refused by the next request")
    func mounted() async throws {
        for (_, feature) in self.unfit {
            let storage = Storage()
            let config = try self.config(storage.prefixed("sessions"))
            let browser = Browser()
            _ = try await browser.visit(config) { try await increment($0) }
            switch feature {
            case .evicts: try storage.mount("sessions", .memory(maximumItems: 20))
            case .discards: try storage.mount("sessions", .null)
            case .readOnly: try storage.mount("sessions", .readOnly(.memory))
            default: try storage.mount("sessions", .cached(.memory))
            }
            #expect(
                try await code { try await useSession(browser.request(), config) } == .invalidConfiguration,
                "\(feature)")
            try await storage.unmount("sessions")
            #expect(try await browser.visit(config) { try await increment($0) } == 2)
        }
    }

    @Test("two sessions whose cookie is the same don't go together on one event")
    func sameCookie() async throws {
        let world = try World()
        let event = Browser().request()
        try await useSession(event, try world.config(name: "sid"))
        let other = try world.config(name: "__Host-sid")
        #expect(try await code { try await useSession(event, other) } == .invalidConfiguration)
    }
}
