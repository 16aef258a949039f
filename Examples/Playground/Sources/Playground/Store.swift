import Foundation
import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageRedis
import KVStorageSQLite

/// Where the playground keeps its data, as `STORE` names it.
enum Store: Equatable {
    /// `memory`: gone with the process.
    case memory
    /// `sqlite:PATH`: a database file, which is created with its folder if there is none.
    case sqlite(path: String)
    /// `files:PATH`: a folder with a file for each item, which is created if there is none.
    case files(path: String)
    /// `lmdb:PATH`: an environment in a folder, which is created if there is none.
    case lmdb(path: String)
    /// `redis://HOST`, `redis-cluster://HOST,HOST` or `unix:///PATH`: a Redis server, or a cluster. Other programs' items there
    /// are not touched.
    case redis(url: String)

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.dropFirst().first) {
        case ("memory", nil):
            self = .memory
        case ("sqlite", let path?):
            self = .sqlite(path: path)
        case ("files", let path?), ("fs", let path?):
            self = .files(path: path)
        case ("lmdb", let path?):
            self = .lmdb(path: path)
        case ("redis"?, _), ("redis-cluster"?, _), ("unix"?, _):
            self = .redis(url: text)
        default:
            // Without the text, as a URL may hold a password.
            throw Settings.Invalid(
                description: "STORE takes memory, sqlite:PATH, files:PATH, lmdb:PATH or redis://HOST"
            )
        }
    }

    /// The folder of the store's files, where the playground's other files go, too; `nil` if nothing is kept here.
    var folder: String? {
        switch self {
        case .memory, .redis: nil
        case .sqlite(let path), .files(let path): URL(filePath: path).deletingLastPathComponent().path
        case .lmdb(let path): URL(filePath: path).path
        }
    }

    /// Opens the storage.
    func open() throws -> Storage {
        if let folder = self.folder {
            let mode: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: mode
            )
        }
        switch self {
        case .memory: return Storage()
        case .sqlite(let path): return Storage(try .sqlite(at: path))
        case .files(let path): return Storage(try .files(at: path))
        case .lmdb(let path): return Storage(try .lmdb(at: path))
        case .redis(let url):
            var configuration = RedisDriver.Configuration()
            configuration.prefix = "playground"
            return Storage(try .redis(url, configuration))
        }
    }
}

extension Store: CustomStringConvertible {
    var description: String {
        switch self {
        case .memory: "memory"
        case .sqlite(let path): "SQLite, \(path)"
        case .files(let path): "files, \(path)"
        case .lmdb(let path): "LMDB, \(path)"
        // The URL may hold a password.
        case .redis: "Redis"
        }
    }
}
