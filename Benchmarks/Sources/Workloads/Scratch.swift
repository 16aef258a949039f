package import Foundation
import Synchronization

/// A folder for stores that are measured.
///
/// It lies beside the results and not among the system's temporary files, which may be kept in memory, where a flush
/// costs nothing.
package final class Scratch: Sendable {
    /// `.results` in this package, wherever it is run from.
    package static var results: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../.results").standardized
    }

    private let folder: URL
    private let fileCount = Atomic(0)

    /// Creates an empty folder, instead of what an earlier one of that name has left.
    package init(_ name: String) throws {
        self.folder = Self.results.appending(path: "scratch-\(name)")
        if FileManager.default.fileExists(atPath: self.folder.path) { try self.remove() }
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    }

    /// A path in the folder at which there is nothing yet.
    package func newPath() -> String {
        let number = self.fileCount.wrappingAdd(1, ordering: .relaxed).newValue
        return self.folder.appending(path: "store-\(number)").path
    }

    package func remove() throws {
        try FileManager.default.removeItem(at: self.folder)
    }
}
