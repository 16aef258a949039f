import Foundation
import KVStorage
import Sessions
import Testing

/// A logout in one process while another one does something with the same session.
@Suite("Logouts that are final between processes", .serialized)
struct ProcessFinalityTests {
    /// Rounds for each action; `KVSTORAGE_SESSION_ROUNDS=1000` is the long form.
    private static let rounds =
        ProcessInfo.processInfo.environment["KVSTORAGE_SESSION_ROUNDS"].flatMap { Int($0) } ?? 20

    @Test(
        "after a logout that answered nothing is alive, whatever the other process did meanwhile",
        arguments: EngineStore.engines)
    func race(engine: String) async throws {
        let store = try await EngineStore(engine)
        let storage = try store.open()
        try await self.race(storage, store.place, store.folder)
        try await storage.dispose()
    }

    private func race(_ storage: Storage, _ place: String, _ folder: URL) async throws {
        var options = SessionOptions()
        options.idleTimeout = .seconds(86_400)
        options.maximumPerUser = nil
        let config = try SessionConfig(in: .storage(storage, secrets: [World.secret]), options: options) { Visits() }
        for action in ["regenerate", "update", "touch", "revoke", "login"] {
            var browsers: [Browser] = []
            var lines = ""
            // Several share a user, whose list and epoch they contend for; "revoke" would end the others.
            for _ in 0..<Self.rounds {
                let browser = Browser()
                try await browser.visit(config) { try await authenticateSession($0, user: "ada") }
                let cookie = try #require(browser.cookies[config.cookieName])
                lines += "\(action) \(config.cookieName)=\(cookie)\n"
                browsers.append(browser)
            }
            let file = folder.appending(path: "cookies-\(action)")
            try lines.write(to: file, atomically: true, encoding: .utf8)
            let process = try ServerProcess(["act", place, World.secret, file.path()], in: folder)
            for (index, browser) in browsers.enumerated() {
                // "next\n" is printed before each action.
                while process.outputCount < 5 * (index + 1) { await Task.yield() }
                try await browser.copy().visit(config) { try await destroySession($0) }
            }
            let output = try await process.lines()
            let cookies = output.compactMap { $0.hasPrefix("cookie ") ? $0.dropFirst(7) : nil }
            try #require(cookies.count == Self.rounds, "\(action): \(output.last ?? "")")
            for (browser, cookie) in zip(browsers, cookies) {
                let parts = cookie.split(separator: "=", maxSplits: 1).map(String.init)
                let after = Browser([config.cookieName: try #require(parts.last)])
                for browser in [browser, after] {
                    #expect(try await browser.visit(config) { try await sessionInfo($0)?.user } == nil, "\(action)")
                }
            }
            #expect(try await listSessions(of: "ada", config).isEmpty, "\(action)")
        }
    }
}
