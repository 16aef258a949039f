import KVStorage
import KVStorageTesting
import Testing

extension WrongDriverTests {
    static let raceFaults: [Fault] = [
        Fault(
            name: "takes in two steps",
            breaks: ["racing.takeRaw"],
            mayBreak: ["racing.takeMixed", "racing.removeMixed"]
        ) { TakesInTwoSteps(base: $0) },
        Fault(
            name: "removes in two steps",
            breaks: ["racing.remove"],
            mayBreak: ["racing.removeMixed"]
        ) { RemovesInTwoSteps(base: $0) },
        Fault(
            name: "removes batches in two steps",
            breaks: ["racing.removeItems"],
            mayBreak: ["racing.removeMixed"]
        ) { RemovesBatchesInTwoSteps(base: $0) },
        Fault(
            name: "clears in two steps",
            breaks: ["racing.clear"],
            mayBreak: ["clearing.whileWriting"]
        ) { ClearsInTwoSteps(base: $0) },
        Fault(
            name: "stores if absent in two steps",
            breaks: ["racing.ifAbsent"],
            mayBreak: [
                "cancellation.update", "updating.bodyRuns", "updating.concurrent", "updating.concurrentAppends",
                "updating.mixedConcurrent", "updating.slowBody",
            ]
        ) { StoresIfAbsentInTwoSteps(base: $0) },
        Fault(
            name: "increments in two steps",
            breaks: ["updating.incrementConcurrent"],
            mayBreak: ["cancellation.increment", "racing.takeAndIncrement", "updating.mixedConcurrent"]
        ) { IncrementsInTwoSteps(base: $0) },
        Fault(
            name: "reads batches in parts",
            breaks: ["batches.readWhole"],
            mayBreak: ["commits.seenWhole"]
        ) { ReadsBatchesInParts(base: $0) },
        Fault(name: "drops cancelled writes", breaks: ["cancellation.before"]) { DropsCancelledWrites(base: $0) },
        Fault(name: "drops cancelled removals", breaks: ["cancellation.before"]) {
            DropsCancelledRemovals(base: $0)
        },
    ]

    static let mediumFaults: [Fault] = [
        Fault(
            driver: "never sweeps, and tells of nothing",
            breaks: ["sweeping.leavesMedium"],
            limit: .seconds(30),
            make: { clock in MinimalDriver(clock: clock, sweeps: 0) }
        ),
        Fault(
            driver: "sweeps once, and tells of nothing",
            breaks: ["sweeping.leavesMedium"],
            limit: .seconds(30),
            make: { clock in MinimalDriver(clock: clock, sweeps: 1) }
        ),
        Fault(name: "lists too deep", breaks: ["contract.depths"]) { ListsTooDeep(base: $0) },
        Fault(name: "drops large values", breaks: ["values.larger"]) { DropsLargeValues(base: $0) },
        Fault(
            name: "cuts by character",
            breaks: [
                "branches.clear", "branches.list", "branches.pages", "branches.prefixed",
            ]
        ) { CutsByCharacter(base: $0) },
        Fault(name: "turns in circles", breaks: ["branches.depths"]) { TurnsInCircles(base: $0) },
        Fault(name: "tells false removals", breaks: ["watching.batchRemovals", "sweeping.causes"]) {
            TellsFalseRemovals(base: $0)
        },
    ]

    /// Races are found every time, not by luck.
    @Test(arguments: raceFaults)
    func racesAreFoundEveryTime(_ fault: Fault) async throws {
        let subject = ConformanceSubject(fault.name) { clock in fault.make(clock) }
        for name in fault.breaks {
            let behavior = try #require(ConformanceSuite.behaviors.first { $0.name == name })
            for _ in 0..<20 {
                await #expect(throws: ConformanceFailure.self) { try await behavior.run(on: subject) }
            }
        }
    }

    @Test func whatSpinsTakesNoThreadFromTheOthers() async throws {
        let subject = ConformanceSubject("spinning") { clock in
            SpinsInListing(base: MemoryDriver(.init(clock: clock)))
        }
        let behavior = try #require(ConformanceSuite.behaviors.first { $0.name == "branches.depths" })
        let failure = await #expect(throws: ConformanceFailure.self) {
            try await behavior.run(on: subject, limit: .seconds(2))
        }
        #expect(failure?.expectation.contains("stuck") == true)
    }
}
