import KVStorage
import KVStorageLMDB
import KVStorageTesting
import Testing

/// LMDB keeps every promise in every configuration, and with the defaults also through a mount and through a prefix: those
/// two stand in front of the driver and see nothing of how it is configured.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LMDBConformanceTests {
    private static let subjects: [ConformanceSubject] =
        subject("lmdb") { _ in }.variants + [
            subject("lmdb without syncing its meta page") { $0.durability = .processCrash },
            subject("lmdb without syncing") { $0.durability = .unflushed },
            subject("lmdb with a tiny map, one reader and a name") {
                $0.durability = .unflushed
                $0.initialSize = 64 << 10
                $0.maximumReaders = 1
                $0.databaseName = "other"
            },
        ]

    private static func subject(
        _ name: String,
        _ change: @escaping @Sendable (inout LMDBDriver.Configuration) -> Void
    ) -> ConformanceSubject {
        ConformanceSubject(
            name,
            // What survives what is another suite's matter.
            place: { try TemporaryFolder(inMemory: true) },
            cleanUp: { _ in },
            plant: { folder in
                var configuration = lmdbConfiguration { _ in }
                change(&configuration)
                return try await LMDBForeignKeys.plant(in: folder.file("store"), configuration.databaseName)
            },
            physicalCount: { _, driver in try await LMDBForeignKeys.itemCount(driver) },
            driver: { folder, clock in
                try LMDBDriver(
                    path: folder.file("store"),
                    configuration: lmdbConfiguration {
                        $0.clock = clock
                        change(&$0)
                    }
                )
            }
        )
    }

    @Test(arguments: try await ConformanceSuite.cases(for: subjects))
    func keepsPromise(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
