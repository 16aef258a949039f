import KVStorage

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Android)
import Android
#endif

/// The system calls that the driver makes, with errors thrown and interruptions repeated.
///
/// Names are relative to a folder's handle and one component long, so that no link is ever followed; the two calls that
/// take longer paths, ``openBeneath(_:_:_:)`` and ``makeFolders(_:_:)``, say how they see to it.
enum System {
    static let readFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    static let folderFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY

    /// Opens the folder that is the store's base; the path is the user's own and may lead over links.
    static func openBase(_ path: String) throws(SystemError) -> FileHandle {
        let raw = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    /// Opens a name in a folder for reading; whoever calls looks whether it is a file.
    static func openEntry(_ folder: Int32, _ name: String) throws(SystemError) -> FileHandle {
        // O_NONBLOCK: a pipe that somebody put there must not hang the caller. It means nothing for files.
        let raw = openat(folder, name, self.readFlags)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    static func openFolder(_ folder: Int32, _ name: String) throws(SystemError) -> FileHandle {
        let raw = openat(folder, name, self.folderFlags)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    /// Opens another, independent handle of the same folder.
    static func reopen(_ folder: Int32) throws(SystemError) -> FileHandle {
        let raw = openat(folder, ".", self.folderFlags)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    static func create(_ folder: Int32, _ name: String, _ mode: UInt32) throws(SystemError) -> FileHandle {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let raw = openat(folder, name, flags, mode_t(truncatingIfNeeded: mode))
        guard raw >= 0 else { throw SystemError("create") }
        return FileHandle(owning: raw)
    }

    static func close(_ raw: Int32) {
        #if canImport(Darwin)
        _ = Darwin.close(raw)
        #elseif canImport(Glibc)
        _ = Glibc.close(raw)
        #elseif canImport(Musl)
        _ = Musl.close(raw)
        #elseif canImport(Android)
        _ = Android.close(raw)
        #endif
    }

    /// Reads up to `count` bytes from the file's beginning.
    static func read(_ file: Int32, count: Int) throws(SystemError) -> [UInt8] {
        try self.read(file, count: count, at: nil)
    }

    /// Reads up to `count` bytes from `offset`; fewer if the file ends before.
    static func read(_ file: Int32, count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
        try self.read(file, count: count, at: Optional(offset))
    }

    private static func read(_ file: Int32, count: Int, at offset: Int?) throws(SystemError) -> [UInt8] {
        guard count > 0 else { return [] }
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let rest = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized...])
                let got =
                    offset.map { pread(file, rest.baseAddress, rest.count, off_t($0 + initialized)) }
                    ?? plainRead(file, rest.baseAddress, rest.count)
                if got > 0 {
                    initialized += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    failure = SystemError("read")
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    static func write(_ file: Int32, _ bytes: [UInt8]) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                return plainWrite(file, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw SystemError("write")
            }
        }
    }

    static func setModificationTime(_ file: Int32, _ time: Timestamp) throws(SystemError) {
        var seconds = time.milliseconds / 1000
        var rest = time.milliseconds % 1000
        if rest < 0 {
            seconds -= 1
            rest += 1000
        }
        var access = timespec()
        access.tv_nsec = self.leaveTime
        let times = [access, timespec(tv_sec: time_t(seconds), tv_nsec: Int(rest) * 1_000_000)]
        guard futimens(file, times) == 0 else { throw SystemError("futimens") }
    }

    static func setMode(_ file: Int32, _ mode: UInt32) throws(SystemError) {
        guard fchmod(file, mode_t(truncatingIfNeeded: mode)) == 0 else { throw SystemError("fchmod") }
    }

    static func link(_ from: Int32, _ name: String, to: Int32, _ other: String) throws(SystemError) {
        guard linkat(from, name, to, other, 0) == 0 else { throw SystemError("link") }
    }

    static func rename(_ from: Int32, _ name: String, to: Int32, _ other: String) throws(SystemError) {
        guard renameat(from, name, to, other) == 0 else { throw SystemError("rename") }
    }

    static func unlink(_ folder: Int32, _ name: String) throws(SystemError) {
        guard unlinkat(folder, name, 0) == 0 else { throw SystemError("unlink") }
    }

    static func makeFolder(_ folder: Int32, _ name: String, _ mode: UInt32) throws(SystemError) {
        guard mkdirat(folder, name, mode_t(truncatingIfNeeded: mode)) == 0 else { throw SystemError("mkdir") }
    }

    /// Removes the folder if it is empty; the system looks, so nothing that comes at the same time is lost.
    static func removeFolder(_ folder: Int32, _ name: String) throws(SystemError) {
        guard unlinkat(folder, name, AT_REMOVEDIR) == 0 else { throw SystemError("rmdir") }
    }

    /// Makes the folder and those above it that are missing.
    static func makeFolders(_ path: String, _ mode: UInt32) throws(SystemError) {
        if mkdir(path, mode_t(truncatingIfNeeded: mode)) == 0 { return }
        let error = SystemError("mkdir")
        switch error.kind {
        case .exists:
            return
        case .notFound:
            guard let slash = path.utf8.dropLast().lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else {
                throw error
            }
            try self.makeFolders(String(path[..<slash]), mode)
            if mkdir(path, mode_t(truncatingIfNeeded: mode)) == 0 { return }
            let second = SystemError("mkdir")
            if second.kind != .exists { throw second }
        default:
            throw error
        }
    }

    static func makeLink(_ folder: Int32, _ name: String, holding text: String) throws(SystemError) {
        guard symlinkat(text, folder, name) == 0 else { throw SystemError("symlink") }
    }

    static func readLink(_ folder: Int32, _ name: String) throws(SystemError) -> [UInt8] {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, initialized in
            count = buffer.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlinkat(folder, name, $0, text.count) } ?? -1
            }
            initialized = max(0, count)
        }
        guard count >= 0 else { throw SystemError("readlink") }
        return bytes
    }

    /// Locks the file or folder against other handles, also of other processes, until the handle is closed.
    ///
    /// Returns `false` if somebody else holds the lock and `waits` is not set.
    static func lock(_ handle: Int32, waits: Bool) throws(SystemError) -> Bool {
        while flock(handle, LOCK_EX | (waits ? 0 : LOCK_NB)) != 0 {
            if errno == EWOULDBLOCK { return false }
            if errno != EINTR { throw SystemError("flock") }
        }
        return true
    }
}

// Outside of the type, where these names would mean its own functions.
private func plainRead(_ file: Int32, _ start: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(file, start, count)
}

private func plainWrite(_ file: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, start, count)
}
