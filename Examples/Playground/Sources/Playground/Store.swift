import Foundation
import KVStorage
import KVStorageFileSystem
import KVStorageLMDB
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
        default:
            throw Settings.Invalid(
                description: "STORE is \"\(text)\"; it takes memory, sqlite:PATH, files:PATH or lmdb:PATH"
            )
        }
    }

    /// The folder of the store's files, where the playground's other files go, too; `nil` if nothing is kept.
    var folder: String? {
        switch self {
        case .memory: nil
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
        }
    }
}
