import KVStorage
import KVStorageTesting
import Testing

/// The suite finds what is wrong with a driver, and nothing else.
@Suite(.serialized) struct WrongDriverTests {
    /// A fault, and the behaviours that it breaks.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        /// What always fails.
        let breaks: Set<String>
        /// What may fail too, by how the tasks happen to run.
        let mayBreak: Set<String>
        /// How long a behaviour may take, and a part of which it waits for what does not come.
        let limit: Duration
        let make: @Sendable (ManualClock) -> any StorageDriver

        var testDescription: String { self.name }

        /// Creates a fault of a wrapper of a right driver.
        init(
            name: String,
            breaks: Set<String>,
            mayBreak: Set<String> = [],
            limit: Duration = .seconds(120),
            wrap: @escaping @Sendable (MemoryDriver) -> any StorageDriver
        ) {
            self.init(driver: name, breaks: breaks, mayBreak: mayBreak, limit: limit) { clock in
                wrap(MemoryDriver(.init(clock: clock)))
            }
        }

        /// Creates a fault of a driver of its own.
        init(
            driver name: String,
            breaks: Set<String>,
            mayBreak: Set<String> = [],
            limit: Duration = .seconds(120),
            make: @escaping @Sendable (ManualClock) -> any StorageDriver
        ) {
            self.name = name
            self.breaks = breaks
            self.mayBreak = mayBreak
            self.limit = limit
            self.make = make
        }
    }

    @Test(arguments: Self.faults)
    func failsExactly(_ fault: Fault) async {
        let subject = ConformanceSubject(fault.name) { clock in fault.make(clock) }
        // What takes longest is run for the faults that concern it: the thousands of keys of all branches, and the
        // hundreds of random calls that are compared with a model.
        let named = fault.breaks.union(fault.mayBreak)
        let left = ["branches.", "model."].filter { group in !named.contains { $0.hasPrefix(group) } }
        let behaviors = ConformanceSuite.behaviors.filter { behavior in
            !left.contains { behavior.name.hasPrefix($0) }
        }
        let report = await ConformanceSuite.run(subject, behaviors: behaviors, limit: fault.limit)
        let failed = Set(report.failed.map(\.behavior))
        #expect(fault.breaks.subtracting(failed).sorted() == [], "what should have failed")
        #expect(
            failed.subtracting(fault.breaks).subtracting(fault.mayBreak).sorted() == [], "what should not have failed")
    }

    @Test func whatLiesBesideAPrefixIsWatched() async throws {
        let subject = ConformanceSubject("over-clears") { clock in
            ClearsEverything(base: MemoryDriver(.init(clock: clock)))
        }
        let behavior = try #require(ConformanceSuite.behaviors.first { $0.name == "clearing.many" })
        let failure = await #expect(throws: ConformanceFailure.self) {
            try await behavior.run(on: subject.arranged(.prefixed))
        }
        #expect(failure?.behavior == "clearing.many")
        #expect(failure?.promise?.number == 6)
        #expect(failure?.subject == "over-clears, prefixed")
    }

    @Test func whatIsStuckIsLeftBehind() async throws {
        let subject = ConformanceSubject("stuck") { clock in GetsStuck(base: MemoryDriver(.init(clock: clock))) }
        let behavior = try #require(ConformanceSuite.behaviors.first { $0.name == "values.empty" })
        let failure = await #expect(throws: ConformanceFailure.self) {
            try await behavior.run(on: subject, limit: .milliseconds(50))
        }
        #expect(failure?.expectation.contains("stuck") == true)
    }

    @Test func whatCannotBeOpenedIsReported() async {
        struct Refusal: Error {}
        let report = await ConformanceSuite.run(ConformanceSubject("refusing") { _ in throw Refusal() })
        #expect(report.passed.isEmpty)
        #expect(report.failed.count == 1)
        #expect(report.description.contains("refusing"))
    }
}
