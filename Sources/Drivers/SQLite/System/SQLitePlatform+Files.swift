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

extension SQLitePlatform {
    /// Which file a path leads to, and under how many names it is known.
    struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
        let linkCount: UInt64
        let mode: UInt32

        func isSameFile(as other: Identity) -> Bool {
            self.device == other.device && self.inode == other.inode
        }
    }

    static func identity(of path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev),
            inode: UInt64(truncatingIfNeeded: status.st_ino),
            linkCount: UInt64(truncatingIfNeeded: status.st_nlink),
            mode: UInt32(status.st_mode) & 0o777
        )
    }

    /// Returns how many bytes the process may still write on the file system of a path; `nil` if it does not say.
    static func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(self.folder(of: path), &status) == 0, status.f_blocks > 0 else { return nil }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    // Closing a descriptor drops all locks that the process has on the file (POSIX), those of SQLite included. So that
    // a file is never closed here while another driver of the process has opened it with SQLite, both take turns.
    private static let creation = Mutex(())

    /// Makes an empty file with exactly these permissions, unless there is one; SQLite gives its log the same.
    ///
    /// Whether it fails is seen when SQLite opens the file.
    static func createFile(_ path: String, mode: UInt32) {
        self.creation.withLock { _ in
            let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(truncatingIfNeeded: mode))
            guard file >= 0 else { return }
            // Independent of the process's umask.
            _ = fchmod(file, mode_t(truncatingIfNeeded: mode))
            self.close(file)
        }
    }

    static func close(_ file: Int32) {
        #if canImport(Darwin)
        _ = Darwin.close(file)
        #elseif canImport(Glibc)
        _ = Glibc.close(file)
        #elseif canImport(Musl)
        _ = Musl.close(file)
        #else
        _ = Android.close(file)
        #endif
    }
}

// MARK: - The reserve

extension SQLitePlatform {
    /// Opens a file that several share and locks it as one of them; makes it if it is missing and there is a mode.
    ///
    /// Returns `nil` for anything but a file that is empty or begins with the label.
    static func joinFile(_ path: String, mode: UInt32?, label: [UInt8]) -> Int32? {
        // Whoever leaves last removes the file; one that was opened just before is opened again.
        for _ in 0..<3 {
            let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (mode == nil ? 0 : O_CREAT)
            let file = open(path, flags, mode_t(truncatingIfNeeded: mode ?? 0))
            guard file >= 0 else { return nil }
            guard self.isOwn(file, label), flock(file, LOCK_SH | LOCK_NB) == 0 else {
                self.close(file)
                continue
            }
            var status = stat()
            if fstat(file, &status) == 0, status.st_nlink == 1 {
                // Independent of the process's umask, where it was made just now.
                if let mode, status.st_size == 0 { _ = fchmod(file, mode_t(truncatingIfNeeded: mode)) }
                return file
            }
            self.close(file)
        }
        return nil
    }

    private static func isOwn(_ file: Int32, _ label: [UInt8]) -> Bool {
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        if status.st_size == 0 { return true }
        var start = [UInt8](repeating: 0, count: label.count)
        return pread(file, &start, start.count, 0) == label.count && start == label
    }

    /// Has the file take so many bytes of the disk; gives all back and returns `false` if there are not as many.
    static func reserve(_ file: Int32, bytes: Int, label: [UInt8]) -> Bool {
        var status = stat()
        guard fstat(file, &status) == 0 else { return false }
        if status.st_size >= bytes { return true }
        // The label is first: a file that is there by part is known for the driver's own.
        guard pwrite(file, label, label.count, 0) == label.count, self.fill(file, from: label.count, to: bytes) else {
            self.truncate(file)
            return false
        }
        return true
    }

    // Zeros that are written take room on every system; asking for room without them is not everywhere to be had.
    private static func fill(_ file: Int32, from start: Int, to end: Int) -> Bool {
        let zeros = [UInt8](repeating: 0, count: 65_536)
        var offset = start
        while offset < end {
            let count = pwrite(file, zeros, min(zeros.count, end - offset), off_t(offset))
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }

    static func truncate(_ file: Int32) {
        _ = ftruncate(file, 0)
    }

    /// Removes a file unless others have joined it, too.
    static func removeIfUnshared(_ file: Int32, _ path: String) {
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return }
        var status = stat()
        var named = stat()
        guard fstat(file, &status) == 0, lstat(path, &named) == 0, status.st_ino == named.st_ino else { return }
        _ = unlink(path)
    }
}
