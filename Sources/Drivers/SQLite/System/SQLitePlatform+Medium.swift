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
    #if canImport(Darwin)
    /// Whether the file lies on a local file system that is mounted read-only.
    static func isOnReadOnlyMedium(_ path: String) -> Bool {
        var status = statfs()
        guard statfs(path, &status) == 0 else { return false }
        return status.f_flags & UInt32(MNT_RDONLY) != 0 && status.f_flags & UInt32(MNT_LOCAL) != 0
    }
    #else
    // File systems that are this machine's own. One of the network or of another program can change underneath.
    private static let localFileSystems: Set<String> = [
        "btrfs", "cramfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "iso9660", "romfs", "squashfs", "tmpfs",
        "udf",
        "vfat", "xfs",
    ]

    /// Whether the file lies on a local file system that is read-only as a whole.
    ///
    /// `statvfs` does not tell that from a read-only view, such as a container's, of a file system that others write; the
    /// kernel's table of mounts does: its last field has the options of the file system (proc_pid_mountinfo(5)).
    static func isOnReadOnlyMedium(_ path: String) -> Bool {
        var status = stat()
        guard access(path, W_OK) != 0, errno == EROFS, stat(path, &status) == 0 else { return false }
        let device = UInt64(truncatingIfNeeded: status.st_dev)
        // The layout of the kernel's device numbers (makedev(3)).
        let major = (device >> 32 & 0xffff_f000) | (device >> 8 & 0xfff)
        let minor = (device >> 12 & 0xffff_ff00) | (device & 0xff)
        let number = "\(major):\(minor)"
        for line in self.text(of: "/proc/self/mountinfo").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2] == number, let dash = fields.firstIndex(of: "-") else { continue }
            guard fields.count > dash + 3, self.localFileSystems.contains(String(fields[dash + 1])) else {
                return false
            }
            return fields[dash + 3].split(separator: ",").contains("ro")
        }
        return false
    }

    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { self.close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < 16 << 20, case let count = read(file, &buffer, buffer.count), count > 0 {
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
    #endif
}
