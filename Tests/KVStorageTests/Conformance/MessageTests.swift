import KVStorage
import KVStorageTesting
import Testing

/// What the suite says when something is wrong, or is not asked.
@Suite struct MessageTests {
    private static func failure(
        of name: String,
        _ make: @escaping @Sendable (MemoryDriver) -> any StorageDriver
    ) async throws -> ConformanceFailure? {
        let behavior = try #require(ConformanceSuite.behaviors.first { $0.name == name })
        let subject = ConformanceSubject("wrong") { clock in make(MemoryDriver(.init(clock: clock))) }
        return await #expect(throws: ConformanceFailure.self) { try await behavior.run(on: subject) }
    }

    @Test func aModelRunNamesTheFewCallsThatAreNeeded() async throws {
        let failure = try #require(await Self.failure(of: "model.random1") { ForgetsLifetimes(base: $0) })
        #expect(failure.expectation.contains("of seed 1: "), "\(failure)")
        let calls = failure.expectation.components(after: "of seed 1: ")
        #expect(calls.contains("setItem("), "\(failure)")
        #expect(calls.contains("ttl"), "\(failure)")
        #expect(calls.utf8.count < 300, "a few calls of 400, got \(failure)")
    }

    @Test func aListTellsWhatIsMissingAndWhatCameTwice() async throws {
        let page = try #require(await Self.failure(of: "contract.pages") { ListsOnePage(base: $0) })
        #expect(page.expectation.contains("missing: "), "\(page)")
        #expect(!page.expectation.contains("more often"), "\(page)")
        let twice = try #require(await Self.failure(of: "paging.everySize") { ListsTwice(base: $0) })
        #expect(twice.expectation.contains("more often than expected: "), "\(twice)")
        #expect(!twice.expectation.contains("missing"), "\(twice)")
    }

    @Test func aSkipNamesTheCapability() async throws {
        let report = await ConformanceSuite.run(
            ConformanceSubject("minimal", takesClock: false) { _ in MinimalDriver() },
            behaviors: ConformanceSuite.behaviors.filter {
                [
                    "batches.seenWhole", "paging.ordered", "metadata.fields", "handles.see", "durability.values",
                    "refusing.readOnly", "sweeping.removes", "batches.failsWhole", "planted.clear", "layers.slowRead",
                    "sweeping.leavesMedium", "handles.watching",
                ].contains($0.name)
            }
        )
        let reasons = Dictionary(uniqueKeysWithValues: report.skipped.map { ($0.behavior, $0.reason) })
        #expect(
            reasons["batches.seenWhole"]
                == "the driver does not declare atomicCommit, and does not declare wholeReads")
        #expect(reasons["paging.ordered"] == "the driver does not declare orderedKeys")
        #expect(reasons["metadata.fields"] == "the driver does not declare customMetadata")
        #expect(reasons["handles.see"] == "the driver does not declare interprocess")
        #expect(reasons["durability.values"] == "the driver declares no durability")
        #expect(reasons["refusing.readOnly"] == "the driver does not declare readOnly")
        #expect(reasons["sweeping.removes"] == "the driver declares no watching of its own")
        #expect(
            reasons["batches.failsWhole"]
                == "the driver does not declare atomicCommit, and declares no small maximumKeyBytes")
        #expect(
            reasons["handles.watching"]
                == "the driver does not declare interprocess, and does not declare external watching")
        #expect(reasons["planted.clear"] == "the subject has no hook `plant`")
        #expect(reasons["sweeping.leavesMedium"]?.contains("clock") == true)
        #expect(reasons["layers.slowRead"] != nil)
    }

    @Test func aDriverThatForgetsToCloseIsFoundQuickly() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let failure = try #require(await Self.failure(of: "disposal.whileBusy") { StaysOpen(base: $0) })
        #expect(failure.expectation.contains("closed"))
        // Far less than the limit, after which it was found before.
        #expect(clock.now - start < .seconds(60))
    }

    @Test func anInjectedFaultNamesAKeyOnlyWhereThereIsOne() async {
        let faulty = FaultyDriver()
        let storage = Storage(faulty)
        faulty.fail(lasting: true)
        let batch = await #expect(throws: StorageError.self) { try await storage.setItems([("a", 1), ("b", 2)]) }
        #expect(batch?.key == nil)
        let clear = await #expect(throws: StorageError.self) { try await storage.clear("a") }
        #expect(clear?.key == nil)
        let item = await #expect(throws: StorageError.self) { try await storage.setItem("a", 1) }
        #expect(item?.key == "a")
    }
}

extension String {
    fileprivate func components(after text: String) -> String {
        guard let range = self.firstRange(of: text) else { return "" }
        return String(self[range.upperBound...])
    }
}
