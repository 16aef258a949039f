import KVStorage

/// A copy of an environment that is being made: nothing that is there is overwritten, and what fails leaves nothing.
struct Backup: Sendable {
    private let path: String
    private let fileMode: UInt32?
    private let folderMode: UInt32?

    init(path: String, fileMode: UInt32?, folderMode: UInt32?) throws(StorageError) {
        // Checks the path.
        self.path = try Folder(path: path).path
        self.fileMode = fileMode
        self.folderMode = folderMode
    }

    /// Blocks.
    func write(_ snapshot: EnvironmentSnapshot, checking: () throws(StorageError) -> Void) throws(StorageError) {
        switch LMDBPlatform.makeFolder(self.path, mode: self.folderMode, mustBeNew: true) {
        case 0: break
        case LMDBPlatform.fileExists:
            throw StorageError(
                .invalidOption,
                "there is something at \"\(self.path)\" already, and a backup overwrites nothing; name another path"
            )
        case let errorNumber: throw StorageError(lmdb: errorNumber)
        }
        let partial = self.path + "/data.mdb.partial"
        do throws(StorageError) {
            let target = try LMDBPlatform.WritableFile(new: partial, mode: self.fileMode)
            try snapshot.file.copy(snapshot.meta, to: target, checking: checking)
            let byteCount = snapshot.meta.pageCount * UInt64(snapshot.meta.pageBytes)
            try target.finish(byteCount: byteCount, as: self.path + "/data.mdb")
            try Folder(path: self.path).flush()
        } catch {
            for name in [partial, self.path + "/data.mdb"] { LMDBPlatform.removeFile(name) }
            LMDBPlatform.removeFolder(self.path)
            throw error
        }
    }
}
