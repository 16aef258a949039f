import CKVStorageLMDB
import KVStorage
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// The file of LMDB's locks and readers (`lock.mdb`), before LMDB gets to it.
///
/// LMDB makes it by `ftruncate` and writes it through a map, so on a full disk the system would end the process with a
/// signal (`SIGBUS`) where it finds no room for a page. Here the room is taken first, and it is known if there is none.
///
/// Closing any descriptor of the file drops the locks that the process has on it, LMDB's too (POSIX, `fcntl`). So all
/// of this is for files that are not open in this process, under the registry's lock.
enum LockFile {
    // As `mdb_env_setup_locks` has it: a header, and a cache line for each reader but the one that the header includes.
    private static let headerBytes = 192
    private static let readerBytes = 64

    enum Preparation {
        /// Another process is opening the environment just now, and has to be waited for.
        case inUse
        case ready(WriteLock?)
    }

    /// Takes the room that the file needs.
    ///
    /// - Throws: `StorageError.Code.full` if there is none.
    static func prepare(
        _ path: String,
        mode: UInt32?,
        readerCount: Int,
        readOnly: Bool
    ) throws(StorageError) -> Preparation {
        var isNew = true
        var descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode ?? 0o666))
        if descriptor < 0, errno == EEXIST {
            isNew = false
            descriptor = open(path, O_RDWR | O_CLOEXEC)
        }
        // LMDB reads without locks where the file system can't be written.
        if descriptor < 0, errno == EROFS, readOnly { return .ready(nil) }
        guard descriptor >= 0 else { throw StorageError(lmdb: errno) }
        defer { close(descriptor) }
        if isNew, let mode { fchmod(descriptor, mode_t(mode)) }
        let users = kvstorage_lmdb_users_of(descriptor)
        guard users >= 0 else { throw StorageError(lmdb: -users) }
        guard users != Int32(kvstorage_lmdb_exclusive.rawValue) else { return .inUse }
        let isUnused = users == Int32(kvstorage_lmdb_unused.rawValue)
        let code = self.allocate(descriptor, isUnused: isUnused, readerCount: readerCount)
        guard code == 0 else {
            if isNew { unlink(path) }
            throw StorageError(lmdb: code)
        }
        return .ready(WriteLock(descriptor))
    }

    private static func allocate(_ descriptor: Int32, isUnused: Bool, readerCount: Int) -> Int32 {
        let size = Int(lseek(descriptor, 0, SEEK_END))
        // Who has it open has mapped as much as there was: a reader beyond that would lead him astray.
        let wanted = isUnused ? max(size, self.headerBytes + (readerCount - 1) * self.readerBytes) : size
        guard wanted > 0 else { return 0 }
        let code = kvstorage_lmdb_allocate(descriptor, off_t(wanted))
        guard code == EOPNOTSUPP || code == ENOSYS else { return code }
        return isUnused ? self.fill(descriptor, wanted) : 0
    }

    /// Writes zeros all over: LMDB makes the content of a file that nobody uses anew.
    private static func fill(_ descriptor: Int32, _ count: Int) -> Int32 {
        let zeros = [UInt8](repeating: 0, count: count)
        var offset = 0
        while offset < count {
            let written = zeros.withUnsafeBytes { zeros in
                pwrite(descriptor, zeros.baseAddress.map { $0 + offset }, count - offset, off_t(offset))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return written < 0 ? errno : ENOSPC }
            offset += written
        }
        return 0
    }
}

/// A look at the lock that LMDB's writers wait for, which LMDB has no call for: whether a write transaction would have
/// to wait.
///
/// The look only says where to wait, so being wrong is no harm but a wait in the wrong place. It is trusted once the
/// lock was seen to hold the number of the thread that has it; where locks are of another kind it never is.
///
/// `@unchecked Sendable`: the page is read only, atomically.
final class WriteLock: @unchecked Sendable {
    private static let byteCount = 4096

    private let page: UnsafeMutableRawPointer
    private let isUnderstood = Atomic(false)

    fileprivate init?(_ descriptor: Int32) {
        guard let page = mmap(nil, Self.byteCount, PROT_READ, MAP_SHARED, descriptor, 0), page != MAP_FAILED else {
            return nil
        }
        self.page = page
    }

    deinit {
        munmap(self.page, Self.byteCount)
    }

    /// Whether a write transaction may have to wait for another one.
    @inline(__always)
    var mayBeTaken: Bool {
        !self.isUnderstood.load(ordering: .relaxed) || kvstorage_lmdb_lock_word(self.page) != 0
    }

    /// Looks whether the lock is what it is taken for; to be called in a write transaction, by its thread.
    func understand() {
        // The upper bits say that others wait, and that an owner has died.
        let thread = kvstorage_lmdb_thread()
        let isOwn = thread != 0 && kvstorage_lmdb_lock_word(self.page) & 0x3FFF_FFFF == thread
        if isOwn { self.isUnderstood.store(true, ordering: .relaxed) }
    }
}
