import KVStorageFiles
import KVStorageTesting
import Testing

/// Files keep every promise, at the root, through a mount and through a prefix; flushed, and with modes, at the root.
@Suite(.serialized) struct FilesConformanceTests {
    private static let subjects: [ConformanceSubject] = [
        subject("files, durable") { $0.durability = .durable },
        subject("files, with modes and patterns") {
            $0.fileMode = 0o600
            $0.folderMode = 0o700
            $0.ignore = ["**/no item/**"]
        },
    ]

    private static func subject(
        _ name: String,
        _ change: @escaping @Sendable (inout FilesDriver.Configuration) -> Void
    ) -> ConformanceSubject {
        ConformanceSubject(
            name,
            // What survives what is another suite's matter.
            place: { try TemporaryFolder(inMemory: true) },
            cleanUp: { _ in },
            plant: { folder in try await ForeignFiles.plant(in: folder) },
            physicalCount: { folder, _ in try await ForeignFiles.itemCount(in: folder) },
            driver: { folder, clock in
                var configuration = FilesDriver.Configuration(clock: clock)
                change(&configuration)
                return try FilesDriver(path: folder.path, configuration: configuration)
            }
        )
    }

    @Test(arguments: try await ConformanceSuite.cases(for: subject("files") { _ in }.variants + subjects))
    func keepsPromise(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
