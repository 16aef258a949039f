import KVStorage

/// What lies at the driver's path, looked at before SQLite gets to write anything.
struct File {
    /// With symbolic links resolved.
    let path: String
    let isMissing: Bool
    /// Whether a log lies beside it that holds commits.
    let hasLog: Bool
    /// Whether a journal lies beside it out of which SQLite may have to roll back what another program began.
    let hasJournal: Bool
    /// Whether nobody can change it, as the medium is read-only, so that no lock and no shared file is needed.
    let isImmutable: Bool

    init(path: String, readOnly: Bool) throws(StorageError) {
        try Self.validate(path)
        let folder = SQLitePlatform.folder(of: path)
        guard case .folder = SQLitePlatform.kind(of: folder) else {
            throw StorageError(.invalidOption, "the folder \"\(folder)\" does not exist; create it first")
        }
        self.path = SQLitePlatform.resolved(path)
        self.hasLog = Self.isFilled(self.path + "-wal")
        // The first bytes of SQLite's rollback journals (sqlite.org/fileformat.html, 3).
        let journalMagic: [UInt8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]
        self.hasJournal = SQLitePlatform.firstBytes(of: self.path + "-journal", 8) == journalMagic
        self.isImmutable =
            readOnly && !self.hasLog && !Self.isFilled(self.path + "-journal")
            && SQLitePlatform.isOnReadOnlyMedium(self.path)
        switch SQLitePlatform.kind(of: path) {
        case .missing:
            self.isMissing = true
            guard !readOnly else {
                throw StorageError(
                    .invalidOption,
                    "there is no file \"\(path)\", and with readOnly none is made; open it once for writing"
                )
            }
        case .regular:
            self.isMissing = false
            guard SQLitePlatform.canRead(path) else {
                throw StorageError(.permissionDenied, "no permission to read \"\(path)\"")
            }
            if !readOnly { try Self.requireWritable(path) }
        case .folder:
            throw StorageError(.invalidOption, "\"\(path)\" is a folder; name a file in it")
        case .other:
            throw StorageError(.invalidOption, "\"\(path)\" is no regular file")
        }
        if !readOnly { try Self.requireWritable(SQLitePlatform.folder(of: self.path)) }
        if !self.isImmutable, let identity = SQLitePlatform.identity(of: self.path), identity.linkCount > 1 {
            throw FileGuard.linkedError(self.path)
        }
    }

    private static func isFilled(_ path: String) -> Bool {
        if case .regular(let bytes) = SQLitePlatform.kind(of: path) { bytes > 0 } else { false }
    }

    /// Checks that the file is a whole database, or empty.
    func check(header: [UInt8], fileBytes: Int64) throws(StorageError) {
        let magic = Array("SQLite format 3\0".utf8)
        guard fileBytes > 0 else {
            // SQLite would take the file for new and throw the log away.
            guard !self.hasLog else { throw self.truncated }
            return
        }
        guard header.starts(with: magic.prefix(header.count)) else {
            throw StorageError(
                .incompatibleFormat,
                "\"\(self.path)\" is no SQLite database; it was left untouched, choose another path"
            )
        }
        guard header.count == 100 else { throw self.truncated }
        // While there is a log the end of the file may not have been written yet.
        guard !self.hasLog, header[24..<28] == header[92..<96] else { return }
        let pageBytes = Self.bigEndian(header[16..<18])
        let expected = (pageBytes == 1 ? 65_536 : pageBytes) * Self.bigEndian(header[28..<32])
        guard fileBytes >= expected else { throw self.truncated }
    }

    private var truncated: StorageError {
        StorageError(
            .corrupted,
            "\"\(self.path)\" was cut off and is no whole database; it was left untouched, restore it from a backup"
        )
    }

    private static func validate(_ path: String) throws(StorageError) {
        guard !path.isEmpty, path != ":memory:" else {
            throw StorageError(
                .invalidOption,
                "the SQLite driver keeps its items in a file and needs its path; use .memory for items in memory"
            )
        }
        guard !path.utf8.contains(0) else {
            throw StorageError(.invalidOption, "a path can't contain NUL")
        }
    }

    private static func requireWritable(_ path: String) throws(StorageError) {
        switch SQLitePlatform.writeAccess(to: path) {
        case .granted: break
        case .denied:
            throw StorageError(
                .permissionDenied,
                "no permission to write \"\(path)\"; grant it, or set readOnly to read only"
            )
        case .readOnlyMedium:
            throw StorageError(.readOnly, "\"\(path)\" lies on a read-only file system; set readOnly to read only")
        }
    }

    private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }
}
