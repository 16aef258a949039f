import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Testing

/// SQLite keeps every promise, at the root, through a mount and through a prefix; exclusive at the root.
@Suite(.serialized) struct SQLiteConformanceTests {
    // A mount and a prefix are the same way to either.
    private static let subjects: [ConformanceSubject] =
        subject("SQLite", isShared: true) { _ in }.variants
        + [subject("SQLite, exclusive", isShared: false) { $0.exclusive = true }]

    private static func subject(
        _ name: String,
        isShared: Bool,
        _ change: @escaping @Sendable (inout SQLiteDriver.Configuration) -> Void
    ) -> ConformanceSubject {
        // Nobody else can read a file that is open exclusively.
        var count: (@Sendable (TemporaryFolder, any StorageDriver) async throws -> Int)?
        if isShared { count = { folder, _ in try await SQLiteForeignKeys.itemCount(in: folder) } }
        return ConformanceSubject(
            name,
            // What survives what is another suite's matter.
            place: { try TemporaryFolder(inMemory: true) },
            cleanUp: { _ in },
            plant: { folder in try await SQLiteForeignKeys.plant(in: folder) },
            physicalCount: count,
            driver: { folder, clock in
                let configuration = configuration { configuration in
                    configuration.clock = clock
                    change(&configuration)
                }
                return try SQLiteDriver(path: folder.file("store.db"), configuration: configuration)
            }
        )
    }

    @Test(arguments: try await ConformanceSuite.cases(for: subjects))
    func keepsPromise(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
