import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

/// SQLite keeps every promise, shared and exclusive, at the root, through a mount and through a prefix.
@Suite(.serialized) struct SQLiteConformanceTests {
    private static let subjects = [
        subject("SQLite") { _ in },
        subject("SQLite, exclusive") { $0.exclusive = true },
    ]

    private static func subject(
        _ name: String,
        _ change: @escaping @Sendable (inout SQLiteDriver.Configuration) -> Void
    ) -> ConformanceSubject {
        ConformanceSubject(
            name,
            // What survives what is another suite's matter.
            place: { try TemporaryFolder(inMemory: true) },
            cleanUp: { _ in },
            driver: { folder, clock in
                let configuration = configuration { configuration in
                    configuration.clock = clock
                    change(&configuration)
                }
                return try SQLiteDriver(path: folder.file("store.db"), configuration: configuration)
            }
        )
    }

    @Test(arguments: try await ConformanceSuite.cases(for: subjects.flatMap(\.variants)))
    func keepsPromise(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
