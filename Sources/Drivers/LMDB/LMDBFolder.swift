import KVStorage

/// The folder of an environment, looked at before LMDB gets to write anything.
struct LMDBFolder {
    let path: String
    /// How many bytes of the file are in use; 0 if there is none yet.
    private(set) var usedBytes = 0

    var dataPath: String { self.path + "/data.mdb" }
    private var lockPath: String { self.path + "/lock.mdb" }

    /// Which environment it is, whatever path leads to it; `nil` as long as it has no file.
    var identity: LMDBPlatform.FileIdentity? { LMDBPlatform.identity(of: self.dataPath) }

    init(path: String) throws(StorageError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw StorageError(
                .invalidOption,
                "the LMDB driver keeps its items in a folder and needs its path; a path is not empty and holds no NUL"
            )
        }
        self.path = path
    }

    /// Makes the folder if it is missing and sees to it that what is in it is an environment, or nothing.
    mutating func prepare() throws(StorageError) {
        switch LMDBPlatform.kind(of: self.path) {
        case .folder: break
        case .missing:
            let parent = Self.parent(of: self.path)
            guard case .folder = LMDBPlatform.kind(of: parent) else {
                throw StorageError(.invalidOption, "the folder \"\(parent)\" does not exist; create it first")
            }
            try self.check(LMDBPlatform.makeFolder(self.path), "the folder \"\(self.path)\" can't be made")
        case .regular, .other:
            throw StorageError(
                .invalidOption,
                "\"\(self.path)\" is a file; the LMDB driver keeps its items in a folder, name one"
            )
        case .unreachable(let errorNumber):
            try self.check(errorNumber, "\"\(self.path)\" can't be reached")
        }
        // LMDB writes for reading, too: the table of readers.
        try self.check(LMDBPlatform.writeAccess(to: self.path), "the folder \"\(self.path)\" can't be written")
        try self.checkFiles()
    }

    /// Whether there was no environment in it.
    var isNew: Bool { self.usedBytes == 0 }

    /// Has the names of new files survive power loss: flushing a file does not promise that of its name.
    func flush() throws(StorageError) {
        for folder in [self.path, Self.parent(of: self.path)] {
            try self.check(LMDBPlatform.flushFolder(folder), "the folder \"\(folder)\" can't be flushed")
        }
    }

    private mutating func checkFiles() throws(StorageError) {
        for path in [self.dataPath, self.lockPath] {
            switch LMDBPlatform.kind(of: path) {
            case .missing, .regular: break
            case .folder, .other:
                throw StorageError(.invalidOption, "\"\(path)\" is no regular file; choose another path")
            case .unreachable(let errorNumber):
                try self.check(errorNumber, "\"\(path)\" can't be reached")
            }
        }
        guard case .regular = LMDBPlatform.kind(of: self.dataPath) else { return }
        self.usedBytes = try LMDBFile(path: self.dataPath).check()
    }

    private func check(_ errorNumber: Int32, _ what: String) throws(StorageError) {
        guard errorNumber != 0 else { return }
        let error = StorageError(lmdb: errorNumber)
        throw StorageError(error.code, "\(what): \(error.message)", underlying: error.underlying)
    }

    private static func parent(of path: String) -> String {
        var path = path[...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
