import KVStorage

/// A look at an environment's file without LMDB, which would map it and be ended by a signal (`SIGBUS`) where the file
/// is shorter than it says.
///
/// The layout is that of LMDB's data format 1 on a machine with 64-bit words.
struct File: ~Copyable {
    /// What a transaction has left behind: where everything begins.
    struct Meta: Sendable {
        /// The page's first bytes, as they are.
        let bytes: [UInt8]
        let pageBytes: Int
        let pageCount: UInt64
        let transaction: UInt64
        /// Which pages are free.
        let free: Database
        /// The names of the others and what belongs to them.
        let names: Database
    }

    /// The entry of a database (`MDB_db`).
    struct Database: Sendable {
        static let byteCount = 48
        /// How many pages lie above one another; none in an empty database.
        let depth: Int
        let root: UInt64

        init(_ bytes: ArraySlice<UInt8>) {
            let bytes = Array(bytes)
            self.depth = Int(bytes.number(at: 6, UInt16.self))
            self.root = bytes.number(at: 40, UInt64.self)
        }

        var isEmpty: Bool { self.root == .max }
    }

    private static let maximumAttempts = 10

    private let path: String
    private let file: LMDBPlatform.ReadableFile

    init(path: String) throws(StorageError) {
        self.path = path
        self.file = try LMDBPlatform.ReadableFile(path)
    }

    /// A file that is open for longer than this lives.
    init(path: String, borrowing descriptor: Int32) {
        self.path = path
        self.file = LMDBPlatform.ReadableFile(borrowing: descriptor)
    }

    /// Returns how many bytes are in use; 0 for an empty file.
    ///
    /// - Throws: `StorageError.Code.incompatibleFormat` for what is no environment, `StorageError.Code.corrupted`
    ///   for one that was cut off.
    func check() throws(StorageError) -> Int {
        var attempt = 0
        while true {
            do throws(StorageError) {
                return try self.checkOnce()
            } catch {
                // Another process may be making the file, or writing the page that was read.
                guard attempt < Self.maximumAttempts else { throw error }
                attempt += 1
                LMDBPlatform.pause(.max)
            }
        }
    }

    private func checkOnce() throws(StorageError) -> Int {
        guard self.file.byteCount > 0 else { return 0 }
        guard let first = try self.meta(at: 0) else {
            throw StorageError(
                .incompatibleFormat,
                "\"\(self.path)\" is no LMDB environment; it was left untouched, choose another path"
            )
        }
        guard let second = try self.meta(at: UInt64(first.pageBytes)) else { throw self.cutOff }
        let meta = second.transaction > first.transaction ? second : first
        // The size is read last: it only grows.
        let pagesThere = self.file.byteCount / UInt64(meta.pageBytes)
        if meta.pageCount > pagesThere { try self.requireFree(from: pagesThere, meta) }
        let (bytes, overflow) = meta.pageCount.multipliedReportingOverflow(by: UInt64(meta.pageBytes))
        guard !overflow, let count = Int(exactly: bytes) else { throw self.cutOff }
        return count
    }

    /// Checks that LMDB can follow the pages, as far as they are looked at: it trusts them, and where they lead astray
    /// it ends the process.
    ///
    /// To be called while somebody reads in that transaction, so that nobody changes its pages meanwhile. Returns
    /// `false` if two others have been committed since it began: then it is not to be found any more.
    ///
    /// - Throws: `StorageError.Code.corrupted`.
    func checkPages(of transaction: UInt64) throws(StorageError) -> Bool {
        guard let first = try self.meta(at: 0) else { throw self.damaged }
        // Transactions write these two pages in turn.
        let meta = transaction % 2 == 0 ? first : try self.meta(at: UInt64(first.pageBytes))
        guard let meta, meta.transaction == transaction else { return false }
        var walk = PageWalk(meta)
        do {
            try walk.run(self.file)
        } catch {
            throw self.damaged
        }
        return true
    }

    /// Returns where the transaction begins, or `nil` if two others have been committed since.
    ///
    /// - Throws: `StorageError.Code.corrupted`.
    func snapshotMeta(of transaction: UInt64) throws(StorageError) -> Meta? {
        guard let first = try self.meta(at: 0) else { throw self.damaged }
        let number = transaction % 2 * UInt64(first.pageBytes)
        guard let meta = try self.meta(at: number), meta.transaction == transaction,
            // Another process may be writing the page: what is the same twice is whole.
            let again = try self.meta(at: number), again.bytes == meta.bytes
        else { return nil }
        return meta
    }

    /// Looks through all pages that belong to the transaction; returns what is wrong, if anything is.
    func problem(
        of meta: Meta,
        checking: () throws(StorageError) -> Void
    ) throws(StorageError) -> String? {
        var walk = PageWalk(whole: meta)
        do {
            try walk.run(self.file, checking: checking)
            return nil
        } catch {
            if let error = error as? StorageError { throw error }
            return """
                page \(walk.currentPage) of data.mdb is not what the pages that lead there say, or is used twice; \
                restore the store from a backup
                """
        }
    }

    /// Returns how many pages are free.
    func freePageCount(of meta: Meta) throws(StorageError) -> Int {
        var walk = PageWalk(meta, freePagesFrom: .max)
        do {
            try walk.run(self.file)
        } catch {
            throw self.damaged
        }
        return walk.freeCount
    }

    /// Writes the pages that belong to the transaction into a file of their own.
    func copy(
        _ meta: Meta,
        to target: borrowing LMDBPlatform.WritableFile,
        checking: () throws(StorageError) -> Void
    ) throws(StorageError) {
        let pageBytes = UInt64(meta.pageBytes)
        // Both of the pages that everything begins with, so that it does not count which one is looked at.
        var page = meta.bytes + [UInt8](repeating: 0, count: meta.pageBytes - meta.bytes.count)
        for number in 0..<2 {
            page.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(number)) { [UInt8]($0) })
            try target.write(page, at: UInt64(number) * pageBytes)
        }
        let end = meta.pageCount * pageBytes
        var offset = 2 * pageBytes
        while offset < end {
            try checking()
            let bytes = try self.file.read(Int(min(end - offset, 1 << 20)), at: offset)
            // The last pages are not there if they are free.
            guard !bytes.isEmpty else { return }
            try target.write(bytes, at: offset)
            offset += UInt64(bytes.count)
        }
    }

    var damaged: StorageError {
        StorageError(.corrupted, "\"\(self.path)\" is damaged; it was left untouched, restore it from a backup")
    }

    var foreignLock: StorageError {
        StorageError(
            .unavailable,
            """
            "\(self.path)" is not the file that the processes write which have its lock.mdb open: it was put in the \
            other one's place; end those processes, then open it again
            """
        )
    }

    private var cutOff: StorageError {
        StorageError(
            .corrupted,
            "\"\(self.path)\" was cut off or is damaged; it was left untouched, restore it from a backup"
        )
    }
}

extension File {
    private func meta(at offset: UInt64) throws(StorageError) -> Meta? {
        let page = try self.file.read(152, at: offset)
        guard page.count == 152, page.number(at: 16, UInt32.self) == 0xBEEF_C0DE else { return nil }
        let version = page.number(at: 20, UInt32.self)
        guard version == 1 else {
            throw StorageError(
                .incompatibleFormat,
                "\"\(self.path)\" has LMDB's data format \(version), this driver knows 1; it was left untouched"
            )
        }
        let pageBytes = Int(page.number(at: 40, UInt32.self))
        let lastPage = page.number(at: 136, UInt64.self)
        guard (512...65_536).contains(pageBytes), pageBytes & (pageBytes - 1) == 0, lastPage < 1 << 48 else {
            throw self.cutOff
        }
        return Meta(
            bytes: page,
            pageBytes: pageBytes,
            pageCount: lastPage + 1,
            transaction: page.number(at: 144, UInt64.self),
            free: Database(page[40..<88]),
            names: Database(page[88..<136])
        )
    }

    /// Checks that the last pages, which the file lacks, are free: LMDB need not have written those.
    private func requireFree(from firstMissing: UInt64, _ meta: Meta) throws(StorageError) {
        var walk = PageWalk(meta, freePagesFrom: firstMissing)
        do {
            try walk.run(self.file)
        } catch {
            throw self.cutOff
        }
        guard UInt64(walk.freePages.count) == meta.pageCount - firstMissing else { throw self.cutOff }
    }
}

extension [UInt8] {
    /// Returns the number at an offset that is within the array, as this machine writes it.
    func number<Number: FixedWidthInteger>(at offset: Int, _ type: Number.Type) -> Number {
        self.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}
