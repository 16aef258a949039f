import KVStorage

/// The folder of an environment, looked at before LMDB gets to write anything.
struct Folder {
    let path: String
    /// How many bytes of the file are in use; 0 if there is none yet.
    private(set) var usedBytes = 0

    var dataPath: String { self.path + "/data.mdb" }
    var lockPath: String { self.path + "/lock.mdb" }

    /// Which environment it is, whatever path leads to it; `nil` as long as it has no file.
    var identity: LMDBPlatform.FileIdentity? { LMDBPlatform.identity(of: self.dataPath) }

    var lockIdentity: LMDBPlatform.FileIdentity? { LMDBPlatform.identity(of: self.lockPath) }

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
    mutating func prepare(_ configuration: LMDBDriver.Configuration) throws(StorageError) {
        switch LMDBPlatform.kind(of: self.path) {
        case .folder: break
        case .missing where configuration.readOnly: throw self.nothingToRead
        case .missing:
            let parent = LMDBPlatform.parent(of: self.path)
            guard case .folder = LMDBPlatform.kind(of: parent) else {
                throw StorageError(.invalidOption, "the folder \"\(parent)\" does not exist; create it first")
            }
            let code = LMDBPlatform.makeFolder(self.path, mode: configuration.folderMode)
            try self.check(code, "the folder \"\(self.path)\" can't be made")
        case .regular, .other:
            throw StorageError(
                .invalidOption,
                "\"\(self.path)\" is a file; the LMDB driver keeps its items in a folder, name one"
            )
        case .unreachable(let errorNumber):
            try self.check(errorNumber, "\"\(self.path)\" can't be reached")
        }
        if configuration.readOnly {
            try self.checkFiles()
            guard !self.isNew else { throw self.nothingToRead }
            return
        }
        // LMDB writes for reading, too: the table of readers.
        try self.check(LMDBPlatform.writeAccess(to: self.path), "the folder \"\(self.path)\" can't be written")
        try self.checkFiles()
        if let mode = configuration.fileMode {
            try self.check(LMDBPlatform.makeFile(self.dataPath, mode: mode), "\"\(self.dataPath)\" can't be made")
        }
    }

    /// Checks that the files have no other names: another folder's has another lock, so that two writers could be at
    /// work on the file at once.
    func requireSingleNames() throws(StorageError) {
        for path in [self.dataPath, self.lockPath] {
            // Folders have several always, and are refused for what they are.
            guard case .regular = LMDBPlatform.kind(of: path), let look = LMDBPlatform.look(at: path),
                look.linkCount > 1
            else { continue }
            throw Self.linked(path)
        }
    }

    static func linked(_ path: String) -> StorageError {
        StorageError(
            .unavailable,
            """
            "\(path)" has a second name (a hard link), and opened under two names an environment is destroyed; \
            put a copy of the file in its place, or remove the other name
            """
        )
    }

    private var nothingToRead: StorageError {
        StorageError(
            .invalidOption,
            "there is no environment in \"\(self.path)\", and readOnly makes none; open it for writing once"
        )
    }

    /// Whether there was no environment in it.
    var isNew: Bool { self.usedBytes == 0 }

    /// Has the names of new files survive power loss: flushing a file does not promise that of its name.
    func flush() throws(StorageError) {
        for folder in [self.path, LMDBPlatform.parent(of: self.path)] {
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
        self.usedBytes = try File(path: self.dataPath).check()
    }

    private func check(_ errorNumber: Int32, _ what: String) throws(StorageError) {
        guard errorNumber != 0 else { return }
        let error = StorageError(lmdb: errorNumber)
        throw StorageError(error.code, "\(what): \(error.message)", underlying: error.underlying)
    }
}
