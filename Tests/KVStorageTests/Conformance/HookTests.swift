import KVStorageTesting
import Testing

@testable import KVStorage

/// The subject's hooks let the suite see what no call shows.
@Suite(.serialized) struct HookTests {
    /// A store in a medium that others write to.
    private static func foreign(
        _ name: String,
        _ wrap: @escaping @Sendable (SharedMedium) -> any StorageDriver
    ) -> ConformanceSubject {
        ConformanceSubject(
            name,
            place: { () -> MemoryDriver in MemoryDriver(.init(clock: ManualClock())) },
            cleanUp: { (medium: MemoryDriver) in try await medium.dispose() },
            plant: { (medium: MemoryDriver) -> PlantedNames in
                for key in SharedMedium.foreign { try await medium.setItem(key, [7], WriteOptions()) }
                return PlantedNames {
                    var count = 0
                    for key in SharedMedium.foreign where try await medium.hasItem(key) { count += 1 }
                    return count
                }
            },
            driver: { (medium: MemoryDriver, _: ManualClock) -> any StorageDriver in
                wrap(SharedMedium(base: medium))
            }
        )
    }

    private static let planted = ConformanceSuite.behaviors.filter { $0.needs == [.planting] && !$0.movesClock }

    @Test func whatOthersWriteMayBeLeftAlone() async {
        let report = await ConformanceSuite.run(
            Self.foreign("skips foreign names") { SkipsForeignNames(base: $0) },
            behaviors: Self.planted
        )
        #expect(report.failed.isEmpty, "\(report)")
        #expect(report.passed.count == Self.planted.count)
        #expect(!Self.planted.isEmpty)
    }

    @Test func whatIsListedAndCannotBeReadIsFound() async {
        let report = await ConformanceSuite.run(Self.foreign("lists foreign names") { $0 }, behaviors: Self.planted)
        #expect(
            Set(report.failed.map(\.behavior))
                == ["planted.clear", "planted.readBack", "planted.remove", "planted.pages", "planted.snapshot"])
    }

    @Test func clearingWhatIsNotListedIsFound() async {
        let report = await ConformanceSuite.run(
            Self.foreign("clears foreign names") { SkipsForeignNames(base: $0, clearsThem: true) },
            behaviors: Self.planted
        )
        #expect(report.failed.map(\.behavior) == ["planted.clear"])
    }

    @Test(arguments: [0, 1])
    func whatStaysInTheMediumIsCounted(_ sweeps: Int) async throws {
        let subject = ConformanceSubject(
            "sweeps \(sweeps) times",
            physicalCount: { driver in (driver as? MinimalDriver)?.storedCount ?? 0 },
            driver: { clock in MinimalDriver(clock: clock, sweeps: sweeps) }
        )
        let behavior = try #require(ConformanceSuite.behaviors.first { $0.name == "sweeping.physicalCount" })
        let failure = await #expect(throws: ConformanceFailure.self) {
            try await behavior.run(on: subject, limit: .seconds(12))
        }
        #expect(failure?.expectation.contains("round \(sweeps)") == true, "\(String(describing: failure))")
    }

    @Test(arguments: [true, false])
    func aBlindCacheIsFound(_ forgetsDeadlines: Bool) async {
        let subject = ConformanceSubject("memory") { clock in MemoryDriver(.init(clock: clock)) }
            .wrapped("blind cache") { driver, clock in
                CachesBlindly(base: driver, clock: clock, forgetsDeadlines: forgetsDeadlines)
            }
        let layers = ConformanceSuite.behaviors.filter { $0.needs == [.wrappedDriver] }
        let report = await ConformanceSuite.run(subject, behaviors: layers)
        let failed = Set(report.failed.map(\.behavior))
        #expect(failed.contains("layers.slowRead") == forgetsDeadlines, "\(report)")
        #expect(failed.contains("layers.overtakenBy.setItem") == !forgetsDeadlines, "\(report)")
        #expect(failed.contains("layers.overtakenBy.clear") == !forgetsDeadlines, "\(report)")
        #expect(!failed.contains("layers.failingListing"))
    }
}
