import Foundation

extension ChildProcess {
    /// Where an executable of this package stands: beside the test bundle, where SwiftPM puts both.
    package static func path(ofProduct name: String) throws -> String {
        let places = ([Bundle.main] + Bundle.allBundles).flatMap { bundle in
            [bundle.bundleURL, bundle.bundleURL.deletingLastPathComponent()]
        }
        let candidates = places.map { $0.appending(path: name).path }
        guard let path = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw Failure(description: "\(name) is not beside the tests")
        }
        return path
    }
}
