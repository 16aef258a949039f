import KVStorage
import Sessions
import Testing

/// Where the store tells of what other processes do, a stream ends without waiting for the next check.
@Suite("Streams over stores that tell of others' changes", .timeLimit(.minutes(2)))
struct StreamWatchTests {
    private func config(_ storage: Storage) throws -> SessionConfig<Visits> {
        var options = SessionOptions()
        // So long that only the store can have told.
        options.checkInterval = .seconds(86_400)
        return try SessionConfig(in: .storage(storage, secrets: [World.secret]), options: options) { Visits() }
    }

    @Test("another server's logout and revocation end it at once", arguments: ["files", "redis"], [false, true])
    func told(engine: String, isRevoked: Bool) async throws {
        let store = try await EngineStore(engine)
        let (own, other) = (try store.open(), try store.open())
        let (config, otherConfig) = (try self.config(own), try self.config(other))
        for _ in 0..<3 {
            let browser = Browser()
            try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
            let event = browser.request()
            try await useSession(event, config)
            let ends = try await sessionEnd(event)
            if isRevoked {
                try await revokeSessions(of: "ada", otherConfig)
            } else {
                try await browser.copy().visit(otherConfig) { try await destroySession($0) }
            }
            var all: [SessionEnd] = []
            for await end in ends { all.append(end) }
            #expect(all == [isRevoked ? .revoked : .loggedOut])
        }
        try await own.dispose()
        try await other.dispose()
    }
}
