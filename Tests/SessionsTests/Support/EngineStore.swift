import ChildProcess
import Foundation
import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageRedis
import KVStorageSQLite

/// A store that processes share, of any engine; Redis with a server of its own.
final class EngineStore: Sendable {
    static let engines = ["sqlite", "lmdb", "files", "redis"]

    let folder: URL
    /// The store as `SessionProcess` takes it.
    let place: String
    private let engine: String
    private let path: String
    private let server: ChildProcess?

    init(_ engine: String) async throws {
        self.engine = engine
        self.folder = FileManager.default.temporaryDirectory.appending(path: "kvs-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        guard engine == "redis" else {
            self.path = self.folder.appending(path: "store").path()
            self.place = "\(engine):\(self.path)"
            self.server = nil
            return
        }
        self.path = self.folder.appending(path: "s").path()
        self.place = "unix://\(self.path)"
        self.server = try ChildProcess(
            "/usr/bin/redis-server",
            ["--port", "0", "--unixsocket", self.path, "--save", "", "--dir", self.folder.path()]
                + ["--notify-keyspace-events", "Kg$xe"])
        while !FileManager.default.fileExists(atPath: self.path) {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    deinit {
        self.server?.kill()
        try? FileManager.default.removeItem(at: self.folder)
    }

    /// Opens it, as another process would. Processes that run in parallel to many tests wait long for each other.
    func open() throws -> Storage {
        let driver: any StorageDriver
        switch self.engine {
        case "sqlite":
            var configuration = SQLiteDriver.Configuration()
            configuration.durability = .processCrash
            configuration.busyTimeout = .seconds(60)
            driver = try SQLiteDriver(path: self.path, configuration: configuration)
        case "lmdb":
            var configuration = LMDBDriver.Configuration()
            configuration.durability = .unflushed
            configuration.busyTimeout = .seconds(60)
            driver = try LMDBDriver(path: self.path, configuration: configuration)
        case "files":
            var configuration = FilesDriver.Configuration()
            configuration.busyTimeout = .seconds(60)
            driver = try FilesDriver(path: self.path, configuration: configuration)
        default:
            driver = try RedisDriver.redis(self.place)
        }
        return Storage(AnyDriver(base: driver), busyTimeout: .seconds(60))
    }
}
