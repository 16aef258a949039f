#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What the helper asks of the operating system.
enum Limits {
    /// Has writes beyond that size of a file fail, as on a full disk, instead of ending the process; `nil` makes room
    /// again.
    static func limitFileSize(_ bytes: Int?) {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        #else
        let resource = RLIMIT_FSIZE
        #endif
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        getrlimit(resource, &limit)
        limit.rlim_cur = bytes.map { rlim_t($0) } ?? limit.rlim_max
        setrlimit(resource, &limit)
    }

    /// Opens as many descriptors as the process may have.
    static func takeAllDescriptors() -> [Int32] {
        var limit = rlimit(rlim_cur: 64, rlim_max: 64)
        #if canImport(Glibc)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
        setrlimit(RLIMIT_NOFILE, &limit)
        #endif
        var taken: [Int32] = []
        while case let descriptor = dup(0), descriptor >= 0 { taken.append(descriptor) }
        return taken
    }

    /// Locks one byte of a file for this process, for as long as it lives; `false` if that can't be done.
    static func lockByte(_ offset: Int, of path: String) -> Bool {
        let file = open(path, O_RDWR)
        var range = flock()
        range.l_type = Int16(F_WRLCK)
        range.l_whence = Int16(SEEK_SET)
        range.l_start = off_t(offset)
        range.l_len = 1
        return file >= 0 && fcntl(file, F_SETLK, &range) == 0
    }

    static func giveBack(_ descriptors: [Int32]) {
        for descriptor in descriptors { close(descriptor) }
    }
}
