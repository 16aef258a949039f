import Foundation

/// A folder of a test's own, removed when the test is done with it.
final class TemporaryFolder: Sendable {
    let path: String

    /// Creates the folder, with `inMemory` where flushing costs nothing, if the system has such a place.
    init(inMemory: Bool = false) throws {
        let memory = URL(fileURLWithPath: "/dev/shm")
        let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory.path)
        let parent = isThere ? memory : FileManager.default.temporaryDirectory
        let url = parent.appendingPathComponent("kvstorage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        self.path = url.path
    }

    deinit {
        // What a test could not remove is left to the system.
        try? FileManager.default.removeItem(atPath: self.path)
    }

    func file(_ name: String) -> String {
        self.path + "/" + name
    }

    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: self.file(name)))
        return self.file(name)
    }

    func bytes(of name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: self.file(name))))
    }

    var names: Set<String> {
        get throws { Set(try FileManager.default.contentsOfDirectory(atPath: self.path)) }
    }

    func setPermissions(_ mode: Int, of path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
}
