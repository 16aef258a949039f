import Foundation
import KVStorage
import KVStorageFiles
import KVStorageTesting

/// A store in a folder of its own, and a look at its files past the driver.
struct FilesFixture {
    let folder: TemporaryFolder
    let clock = ManualClock()

    /// Creates a folder, in memory unless told otherwise: most tests are not about disks, and don't wait for one.
    init(inMemory: Bool = true) throws {
        self.folder = try TemporaryFolder(inMemory: inMemory)
    }

    var path: String { self.folder.path }

    /// Opens the store, once more if it is open already.
    func open(_ change: (inout FilesDriver.Configuration) -> Void = { _ in }) throws -> FilesDriver {
        var configuration = FilesDriver.Configuration(clock: self.clock)
        // All tests of the process share the threads that flush: on a slow disk a turn there can take seconds.
        configuration.busyTimeout = .seconds(60)
        change(&configuration)
        return try FilesDriver(path: self.path, configuration: configuration)
    }

    /// All paths below the folder that are no folders, in ascending order, without the lock file, which stays.
    var files: [String] {
        get throws { try self.entries { $0 != .typeDirectory }.filter { !$0.hasSuffix(".%lock") } }
    }

    /// All folders below the folder, in ascending order.
    var folders: [String] {
        get throws { try self.entries { $0 == .typeDirectory } }
    }

    private func entries(_ isIncluded: (FileAttributeType?) -> Bool) throws -> [String] {
        let manager = FileManager.default
        return try manager.subpathsOfDirectory(atPath: self.path).filter { path in
            // One that has just gone is not there.
            guard let attributes = try? manager.attributesOfItem(atPath: self.folder.file(path)) else { return false }
            return isIncluded(attributes[.type] as? FileAttributeType)
        }.sorted()
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: self.folder.file(name), withIntermediateDirectories: true)
    }

    /// Writes a file as another program would, in place.
    func write(_ text: String, to name: String) throws {
        if let slash = name.lastIndex(of: "/") { try self.makeFolder(String(name[..<slash])) }
        _ = try self.folder.write(bytes(text), to: name)
    }

    func text(of name: String) throws -> String {
        String(decoding: try self.folder.bytes(of: name), as: UTF8.self)
    }

    func makeLink(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: self.folder.file(name), withDestinationPath: target)
    }

    func mode(of name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: self.folder.file(name))[.posixPermissions] as? Int
    }
}

/// Splitmix64, so that a failing run can be repeated.
struct RepeatableGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
