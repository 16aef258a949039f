import KVStorageTesting
import Testing

@testable import KVStorage

/// Memory keeps every promise: without limits and within them, at the root, through a mount and through a prefix.
@Suite(.serialized) struct MemoryConformanceTests {
    private static let subjects: [ConformanceSubject] = [
        ConformanceSubject("memory", physicalCount: { try await storedCount($0) }) { clock in
            MemoryDriver(.init(clock: clock))
        },
        ConformanceSubject("memory with limits", physicalCount: { try await storedCount($0) }) { clock in
            MemoryDriver(.init(maximumItems: 20_000, maximumBytes: 64 << 20, clock: clock))
        },
    ]

    @Test(arguments: try await ConformanceSuite.cases(for: subjects.flatMap(\.variants)))
    func keepsPromise(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}

/// How many items are in memory, expired ones included.
func storedCount(_ driver: any StorageDriver) async throws -> Int {
    (driver as? MemoryDriver)?.store.itemCount ?? 0
}
