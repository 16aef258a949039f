import Foundation
import KVStorageTesting

/// Files that other programs put into the folder: names that no key has, or another key than they seem to.
enum ForeignFiles {
    private static let names: [[UInt8]] = textNames.map { Array($0.utf8) } + byteNames

    private static let textNames: [String] = [
        // As `encodeURIComponent` names them, beside items that some of them seem to be.
        "a%2Fb", "users/a%2Fb", "users%3Aa", "x%20y", "what%3F.html", "users/ada%40example.org", "%C3%BC", "50%25",
        "per%cent", "%", "%4", "kk/%", "kk/%item%", "https%3A%2F%2Fexample.org", "nul%00x", "trailing%", ".hidden",
        "users/.hidden", ".dat.nosync-1234", "meta$", "users/meta$", "question?mark", "back\\slash", "co:lon",
    ]

    private static let byteNames: [[UInt8]] = [
        // Names that are not UTF-8, two of which look the same once they are repaired.
        bytes("k") + [0xFF, 0x31], bytes("k") + [0xFF, 0x32], [0xC3], bytes("users/") + [0xED, 0xA0, 0x80],
        bytes("dir") + [0xFF] + bytes("/x"),
    ]

    static func plant(in folder: TemporaryFolder) async throws -> PlantedNames {
        for name in self.names {
            let slash = name.lastIndex(of: UInt8(ascii: "/"))
            if let slash { _ = self.withPath(folder, Array(name[..<slash])) { mkdir($0, 0o755) } }
            let file = self.withPath(folder, name) { fopen($0, "w") }
            guard let file else { throw POSIXError(.EIO) }
            fputs("foreign", file)
            fclose(file)
        }
        return PlantedNames {
            self.names.count { name in self.withPath(folder, name) { access($0, F_OK) == 0 } }
        }
    }

    /// How many items' files there are, expired ones included.
    static func itemCount(in folder: TemporaryFolder) async throws -> Int {
        self.countFiles(in: folder)
    }

    private static func countFiles(in folder: TemporaryFolder) -> Int {
        let manager = FileManager.default
        var count = 0
        // An enumerator passes over what goes while it looks.
        let paths = manager.enumerator(atPath: folder.path)
        while let path = paths?.nextObject() as? String {
            // The driver's own index and locks are no items.
            guard !path.hasPrefix(".%") else { continue }
            let attributes = try? manager.attributesOfItem(atPath: folder.file(path))
            if attributes?[.type] as? FileAttributeType == .typeRegular { count += 1 }
        }
        return count
    }

    private static func withPath<Result>(
        _ folder: TemporaryFolder,
        _ name: [UInt8],
        _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        let path = Array(folder.path.utf8) + [UInt8(ascii: "/")] + name + [0]
        return self.call(path.map { CChar(bitPattern: $0) }, body)
    }

    // An array that is passed as a C string is one for the time of the call.
    private static func call<Result>(_ path: UnsafePointer<CChar>, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        body(path)
    }
}
