import ChildProcess
import Foundation
import Testing

/// A file system in memory with room for so many bytes, to be filled up by a test; unmounted when the test is done with it.
final class SmallDisk: Sendable {
    /// Why a machine can't have one, or `nil` if it can: mounting needs root, and a container may forbid it.
    private static let obstacle: String? = {
        do {
            _ = try SmallDisk(byteCount: 1 << 20)
            return nil
        } catch {
            return "\(error)"
        }
    }()

    /// Whether this process may mount one; tests that need it are skipped elsewhere, for the ``reason``.
    static var isAllowed: Bool { self.obstacle == nil }

    static var reason: Comment { "\(self.obstacle ?? "")" }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let path: String
    private let parent: TemporaryFolder

    init(byteCount: Int) throws {
        let folder = try TemporaryFolder()
        self.parent = folder
        self.path = folder.file("disk")
        #if os(Linux)
        guard geteuid() == 0 else { throw Failure(description: "mounting a small file system needs root") }
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: false)
        guard mount("tmpfs", self.path, "tmpfs", 0, "size=\(byteCount)") == 0 else {
            throw Failure(description: "mounting a small file system failed: \(String(cString: strerror(errno)))")
        }
        #else
        throw Failure(description: "a small file system can be mounted on Linux only")
        #endif
    }

    deinit {
        #if os(Linux)
        // What is still open keeps the file system; its name goes at once (MNT_DETACH).
        umount2(self.path, 2)
        #endif
    }

    func file(_ name: String) -> String {
        self.path + "/" + name
    }

    /// Takes the rest of the room for a file of that name.
    func fill(_ name: String = "filler") throws {
        let file = open(self.file(name), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard file >= 0 else {
            throw Failure(description: "the filler can't be made: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        for size in [65_536, 4096, 512, 1] {
            let bytes = [UInt8](repeating: 1, count: size)
            while write(file, bytes, size) == size {}
        }
    }

    /// Gives the filler's room back.
    func empty(_ name: String = "filler") throws {
        try FileManager.default.removeItem(atPath: self.file(name))
    }

    /// Has the file system refuse every write, or allow them again.
    func setReadOnly(_ isReadOnly: Bool) throws {
        #if os(Linux)
        let flags = UInt(MS_REMOUNT) | (isReadOnly ? UInt(MS_RDONLY) : 0)
        guard mount("tmpfs", self.path, "tmpfs", flags, nil) == 0 else {
            throw Failure(description: "mounting anew failed: \(String(cString: strerror(errno)))")
        }
        #endif
    }
}
