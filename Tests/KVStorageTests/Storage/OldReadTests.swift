import KVStorage
import Testing

@Suite struct OldReadTests {
    /// Its reads never see what was written.
    private struct Lagging: ForwardingDriver {
        let base: any StorageDriver

        var capabilities: Capabilities {
            var capabilities = self.base.capabilities
            capabilities.features.insert(.readsMayBeOld)
            return capabilities
        }

        func getItem(_ key: String) async throws(StorageError) -> [UInt8]? { nil }
    }

    @Test func atomicCallsSeeWhatReadsDoNot() async throws {
        let storage = Storage(Lagging(base: MemoryDriver()))
        try await storage.setItem("visits", 1)
        #expect(try await storage.getItem("visits", as: Int.self) == nil)
        #expect(
            try await storage.updateItem("visits", default: 0) { visits in
                visits += 1
                return visits
            } == 2
        )
        // A body that leaves it alone sees it, too.
        let seen = try await storage.updateItem("visits", as: Int.self) { visits in visits }
        #expect(seen == 2)
        #expect(try await storage.takeItem("visits", as: Int.self) == 2)
        #expect(try await storage.takeItem("visits", as: Int.self) == nil)
    }
}
