import CKVStorageFiles
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
///
/// What every call of the driver needs gets names by `withCString`: passing a string as it is copies it into an array.
enum System {
    static let readFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    static let folderFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY

    /// Returns the path as it is from the root of the file system; links stay.
    static func absolutePath(_ path: String) -> String {
        guard path.utf8.first != UInt8(ascii: "/"), let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return String(cString: current) + "/" + path
    }

    /// Milliseconds since some moment, a few behind at most, at next to no cost.
    static var coarseMilliseconds: Int64 {
        var time = timespec()
        clock_gettime(self.coarseClock, &time)
        return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
    }

    /// Who the process acts as.
    static var effectiveUser: UInt32 { UInt32(geteuid()) }

    /// Opens the folder that is the store's base; the path is the user's own and may lead over links.
    static func openBase(_ path: String) throws(SystemError) -> FileHandle {
        let raw = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    /// Opens a name in a folder for reading; whoever calls looks whether it is a file.
    static func openEntry(_ folder: Int32, _ name: String) throws(SystemError) -> FileHandle {
        // O_NONBLOCK: a pipe that somebody put there must not hang the caller. It means nothing for files.
        let raw = name.withCString { openat(folder, $0, self.readFlags) }
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    static func openFolder(_ folder: Int32, _ name: String) throws(SystemError) -> FileHandle {
        let raw = name.withCString { openat(folder, $0, self.folderFlags) }
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    /// Whether what the path below the folder leads to belongs to another user.
    static func isForeign(_ base: Int32, _ path: String) -> Bool {
        guard !path.isEmpty else { return false }
        let (parent, name) = Store.split(path)
        guard
            let folder = parent.isEmpty
                ? try? self.reopen(base) : try? self.openBeneath(base, parent, self.folderFlags),
            let status = try? FileStatus.of(folder.raw, name)
        else { return false }
        return status.owner != self.effectiveUser
    }

    /// Opens another, independent handle of the same folder.
    static func reopen(_ folder: Int32) throws(SystemError) -> FileHandle {
        let raw = openat(folder, ".", self.folderFlags)
        guard raw >= 0 else { throw SystemError("open") }
        return FileHandle(owning: raw)
    }

    static func create(_ folder: Int32, _ name: String, _ mode: UInt32) throws(SystemError) -> FileHandle {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let raw = name.withCString { openat(folder, $0, flags, mode_t(truncatingIfNeeded: mode)) }
        guard raw >= 0 else { throw SystemError("create") }
        SystemHook.did(.create(folder, name))
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
        SystemHook.did(.write(file, bytes))
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

    static func setGroup(_ file: Int32, _ group: UInt32) throws(SystemError) {
        guard fchown(file, uid_t.max, gid_t(group)) == 0 else { throw SystemError("fchown") }
    }

    static func setMode(_ file: Int32, _ mode: UInt32) throws(SystemError) {
        guard fchmod(file, mode_t(truncatingIfNeeded: mode)) == 0 else { throw SystemError("fchmod") }
    }

    static func link(_ from: Int32, _ name: String, to: Int32, _ other: String) throws(SystemError) {
        guard linkat(from, name, to, other, 0) == 0 else { throw SystemError("link") }
        SystemHook.did(.link(from, name, to, other))
    }

    static func rename(_ from: Int32, _ name: String, to: Int32, _ other: String) throws(SystemError) {
        let result = name.withCString { name in other.withCString { renameat(from, name, to, $0) } }
        guard result == 0 else { throw SystemError("rename") }
        SystemHook.did(.rename(from, name, to, other))
    }

    static func unlink(_ folder: Int32, _ name: String) throws(SystemError) {
        guard name.withCString({ unlinkat(folder, $0, 0) }) == 0 else { throw SystemError("unlink") }
        SystemHook.did(.unlink(folder, name))
    }

    static func makeFolder(_ folder: Int32, _ name: String, _ mode: UInt32) throws(SystemError) {
        guard mkdirat(folder, name, mode_t(truncatingIfNeeded: mode)) == 0 else { throw SystemError("mkdir") }
        SystemHook.did(.makeFolder(folder, name))
    }

    /// Removes the folder if it is empty; the system looks, so nothing that comes at the same time is lost.
    static func removeFolder(_ folder: Int32, _ name: String) throws(SystemError) {
        guard unlinkat(folder, name, AT_REMOVEDIR) == 0 else { throw SystemError("rmdir") }
        SystemHook.did(.unlink(folder, name))
    }

    /// Makes the folder and those above it that are missing.
    static func makeFolders(_ path: String, _ mode: UInt32) throws(SystemError) {
        if try self.makeFolder(path, mode) { return }
        guard let slash = path.utf8.dropLast().lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else {
            throw SystemError("mkdir", code: ENOENT)
        }
        try self.makeFolders(String(path[..<slash]), mode)
        guard try self.makeFolder(path, mode) else { throw SystemError("mkdir", code: ENOENT) }
    }

    /// Makes the folder unless it is there; `false` if the one above it is missing.
    private static func makeFolder(_ path: String, _ mode: UInt32) throws(SystemError) -> Bool {
        if mkdir(path, mode_t(truncatingIfNeeded: mode)) == 0 {
            SystemHook.did(.makeFolder(nil, path))
            return true
        }
        let error = SystemError("mkdir")
        switch error.kind {
        case .exists: return true
        case .notFound: return false
        default: throw error
        }
    }

    static func makeLink(_ folder: Int32, _ name: String, holding text: String) throws(SystemError) {
        guard symlinkat(text, folder, name) == 0 else { throw SystemError("symlink") }
        SystemHook.did(.create(folder, name))
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

    /// What opening fails with for want of rights.
    static let noAccess = EACCES
    /// What fails where there is no such file.
    static let missing = ENOENT
}

// Outside of the type, where these names would mean its own functions.
private func plainRead(_ file: Int32, _ start: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(file, start, count)
}

private func plainWrite(_ file: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, start, count)
}
