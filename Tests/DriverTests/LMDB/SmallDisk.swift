import ChildProcess
import Foundation
import Testing

/// A file system in memory with room for so many bytes; unmounted when a test is done with it.
final class SmallDisk: Sendable {
    /// Whether this process may mount one; tests that need it are skipped elsewhere.
    static let isAllowed: Bool = {
        #if os(Linux)
        guard geteuid() == 0, let disk = try? SmallDisk(byteCount: 1 << 20) else { return false }
        return FileManager.default.isWritableFile(atPath: disk.path)
        #else
        return false
        #endif
    }()

    static let reason: Comment = "needs root and a tmpfs that can be mounted"

    private struct Refused: Error {}

    let path: String
    private let folder: TemporaryFolder

    init(byteCount: Int) throws {
        self.folder = try TemporaryFolder()
        self.path = self.folder.file("disk")
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: false)
        let mount = try ChildProcess(
            "/bin/mount", ["-t", "tmpfs", "-o", "size=\(byteCount)", "tmpfs", self.path], error: .none)
        guard mount.wait() == 0 else { throw Refused() }
    }

    deinit {
        // Lazily: what a process still has open goes with it.
        if let unmount = try? ChildProcess("/bin/umount", ["-l", self.path], error: .none) { _ = unmount.wait() }
    }

    func file(_ name: String) -> String { self.path + "/" + name }

    /// Has a file take all the room there is, and returns its path.
    @discardableResult
    func fill() throws -> String {
        let path = self.file("ballast")
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw Refused() }
        defer { close(descriptor) }
        for size in [65_536, 4096] {
            let block = [UInt8](repeating: 1, count: size)
            while write(descriptor, block, size) > 0 {}
        }
        return path
    }
}
