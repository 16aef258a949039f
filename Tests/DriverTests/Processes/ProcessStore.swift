import Foundation
import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageSQLite
import Testing

/// A store below a path that the tests and the helper executable both open.
struct ProcessStore: Sendable, CustomTestStringConvertible {
    /// What the helper knows the kind of store by.
    let scheme: String
    /// Its options, as the helper takes them.
    var options = ""
    /// How many processes are killed in it, one after the other.
    var rounds = 20
    /// Opens it in the tests' own process, with the defaults.
    let open: @Sendable (_ path: String) throws -> any StorageDriver
    /// Checks what stands on the disk, given the number of items, once no process has the store open.
    let checkDisk: @Sendable (_ path: String, _ itemCount: Int) throws -> Void

    var testDescription: String { "\(self.scheme) \(self.options)" }

    /// The store as it is named on the helper's command line.
    func name(at path: String) -> String { "\(self.scheme):\(path)?\(self.options)" }

    func with(_ options: String, rounds: Int = 20) -> ProcessStore {
        var store = self
        store.options = options
        store.rounds = rounds
        return store
    }

    static let sqlite = ProcessStore(
        scheme: "sqlite",
        open: { try SQLiteDriver(path: $0) },
        checkDisk: { path, _ in
            let result = try RawDatabase(path).run("PRAGMA integrity_check")
            #expect(result == ["ok"])
        }
    )

    static let lmdb = ProcessStore(
        scheme: "lmdb",
        open: { try LMDBDriver(path: $0) },
        checkDisk: { path, _ in
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            #expect(Set(names) == ["data.mdb", "lock.mdb"])
        }
    )

    static let files = ProcessStore(
        scheme: "fs",
        open: { try FilesDriver(path: $0) },
        checkDisk: { path, itemCount in
            // Every file but the lock file is an item: no temporary file is left.
            let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
            let files = names.filter { name in
                var isFolder: ObjCBool = false
                return name != ".%lock"
                    && FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
                    && !isFolder.boolValue
            }
            #expect(files.count == itemCount, "\(files.filter { $0.contains("%") })")
        }
    )
}
