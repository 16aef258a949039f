import Foundation
import KVStorage
import KVStorageTesting
import Testing

@Suite struct StorageErrorTests {
    private struct Engine: Error {}

    @Test func describesItself() {
        let error = StorageError(.invalidKey, "do this instead", key: "a:b", underlying: Engine())
        #expect(error.description == "invalidKey [\"a:b\"]: do this instead")
        #expect(StorageError(.closed, "create a new one").description == "closed: create a new one")
        #expect(error.underlying is Engine)
        #expect(MemoryLayout<StorageError>.size == MemoryLayout<Int>.size)
    }

    @Test func loggersPrintTheMessage() {
        let error: any Error = StorageError(.closed, "the storage was disposed; create a new one")
        #expect(error.localizedDescription == "the storage was disposed; create a new one")
    }

    @Test func keysThatOnlyLookAlikeAreNamedApart() async throws {
        let storage = Storage(.readOnly(.memory))
        let small = Storage(.memory(maximumBytes: 1000))
        for key in ["caf\u{E9}", "cafe\u{301}"] {
            let error = await #expect(throws: StorageError.self) {
                try await small.setItemsRaw([
                    ("caf\u{E9}x", []), ("cafe\u{301}x", []), (key, .init(repeating: 1, count: 2000)),
                ])
            }
            #expect(error?.key.map { Array($0.utf8) } == Array(key.utf8))
            let single = await #expect(throws: StorageError.self) { try await storage.removeItem(key) }
            #expect(single?.key.map { Array($0.utf8) } == Array(key.utf8))
        }
    }

    @Test func holdsNoValue() async throws {
        struct Account: Codable {
            var password: Int
        }
        let storage = Storage()
        try await storage.setItemRaw("k", Array("{\"password\":\"correct horse\"}".utf8))
        let decoding = await #expect(throws: StorageError.self) { try await storage.getItem("k", as: Account.self) }
        try await storage.setItemRaw("n", Array("secret-number".utf8))
        let increment = await #expect(throws: StorageError.self) { try await storage.incrementItem("n") }
        let base64 = await #expect(throws: StorageError.self) {
            try await storage.setItemRaw("b", Array("base64:secret!".utf8))
            _ = try await storage.getItemRaw("b", decodingBase64Prefix: true)
        }
        for error in [decoding, increment, base64] {
            let description = try #require(error).description
            #expect(!description.contains("horse") && !description.contains("secret"), "\(description)")
        }
        #expect(decoding?.code == .decoding)
        #expect(base64?.code == .decoding)
    }

    @Test func namesTheTypeThatWasAsked() async throws {
        let storage = Storage()
        try await storage.setItem("a/k", "text")
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("a/k", as: [Double].self) }
        #expect(error?.key == "a:k")
        #expect(error?.message.contains("Array<Double>") == true)
    }

    @Test func aDriverThatGaveUpWithItsCallerSaysSo() async throws {
        let memory = MemoryDriver()
        let storage = Storage(GivingUpDriver(base: memory))
        let update = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await storage.updateItem("k", default: 0) { $0 += 1 }
        }
        let error = await #expect(throws: StorageError.self) { try await update.value }
        #expect(error?.code == .cancelled)
        #expect(error?.description == "cancelled [\"k\"]: the task was cancelled")
        #expect(try await memory.getItem("k") == nil)
    }
}

/// Begins nothing for a task that was cancelled.
private struct GivingUpDriver: ForwardingDriver {
    let base: any StorageDriver

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        guard !Task.isCancelled else { throw StorageError(.cancelled, "the task was cancelled") }
        return try await body()
    }
}
