import KVStorage

/// Shows whether a driver keeps what `StorageDriver` and `Storage` promise.
///
/// Works with any test framework. With Swift Testing, one test for each behaviour, at the root, through a mount and
/// through a prefix:
///
///     import KVStorageTesting
///     import Testing
///
///     private let mine = ConformanceSubject("mine") { clock in MyDriver(clock: clock) }
///
///     @Test(arguments: try await ConformanceSuite.cases(for: mine.variants))
///     func conformance(_ conformance: ConformanceCase) async throws {
///         try await conformance.run()
///     }
///
/// With anything else:
///
///     let report = await ConformanceSuite.run(mine)
///     assert(report.failed.isEmpty, report.description)
///
/// A behaviour is run if the driver's `Capabilities` say that it should hold, each on a fresh, empty store.
/// A driver with limits needs room for 20,000 small items and for 64 MiB.
public struct ConformanceSuite: Sendable {
    /// All behaviours, by promise.
    public static let behaviors: [Behavior] =
        Behavior.keys + Behavior.values + Behavior.batches + Behavior.lifetimes + Behavior.expiredItems
        + Behavior.sweeping + Behavior.metadata + Behavior.listing + Behavior.paging + Behavior.clearing
        + Behavior.branches + Behavior.planted + Behavior.removing + Behavior.updating + Behavior.fairness
        + Behavior.swapping + Behavior.racing + Behavior.entries + Behavior.commits + Behavior.transactions
        + Behavior.watching + Behavior.eventOrder + Behavior.watchers
        + Behavior.disposal + Behavior.cancellation + Behavior.durability + Behavior.handles
        + Behavior.layers + Behavior.pages + Behavior.snapshots + Behavior.model + Behavior.contract + Behavior.refusing

    /// Returns what is to be run on the subjects: one case for each subject and behaviour that applies to it.
    ///
    /// Opens each subject once to read its capabilities.
    public static func cases(
        for subjects: [ConformanceSubject],
        behaviors: [Behavior] = Self.behaviors
    ) async throws -> [ConformanceCase] {
        var cases: [ConformanceCase] = []
        for subject in subjects {
            let capabilities = try await subject.readCapabilities()
            cases += behaviors.filter { $0.reasonToSkip(subject, capabilities) == nil }
                .map { ConformanceCase(subject: subject, behavior: $0) }
        }
        return cases
    }

    /// Runs all behaviours that apply to the subject, one after the other.
    public static func run(
        _ subject: ConformanceSubject,
        behaviors: [Behavior] = Self.behaviors,
        limit: Duration = .seconds(120)
    ) async -> ConformanceReport {
        var report = ConformanceReport(subject: subject.name)
        let capabilities: Capabilities
        do {
            capabilities = try await subject.readCapabilities()
        } catch {
            var failure = ConformanceFailure("the subject can be opened, got: \(error)", at: nil)
            failure.subject = subject.name
            report.failed.append(failure)
            return report
        }
        for behavior in behaviors {
            if let reason = behavior.reasonToSkip(subject, capabilities) {
                report.skipped.append(.init(behavior: behavior.name, reason: reason))
                continue
            }
            do throws(ConformanceFailure) {
                try await behavior.run(on: subject, limit: limit)
                report.passed.append(behavior.name)
            } catch {
                report.failed.append(error)
            }
        }
        return report
    }
}
