import ChildProcess
import Foundation
import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageRedis
import KVStorageSQLite
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
        arguments: ["sqlite", "lmdb", "files", "redis"])
    func race(engine: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kvs-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "store").path()
        let driver: any StorageDriver
        var place = "\(engine):\(path)"
        var server: ChildProcess?
        switch engine {
        case "sqlite":
            var configuration = SQLiteDriver.Configuration()
            configuration.durability = .processCrash
            configuration.busyTimeout = .seconds(60)
            driver = try SQLiteDriver(path: path, configuration: configuration)
        case "lmdb":
            var configuration = LMDBDriver.Configuration()
            configuration.durability = .unflushed
            configuration.busyTimeout = .seconds(60)
            driver = try LMDBDriver(path: path, configuration: configuration)
        case "files":
            var configuration = FilesDriver.Configuration()
            configuration.busyTimeout = .seconds(60)
            driver = try FilesDriver(path: path, configuration: configuration)
        default:
            let socket = folder.appending(path: "s").path()
            let started = try ChildProcess(
                "/usr/bin/redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder.path()])
            server = started
            while !FileManager.default.fileExists(atPath: socket) { await Task.yield() }
            place = "unix://\(socket)"
            driver = try RedisDriver.redis(place)
        }
        defer { server?.kill() }
        let storage = Storage(AnyDriver(base: driver), busyTimeout: .seconds(60))
        try await self.race(storage, place, folder)
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
