import KVStorage
import Synchronization
import Testing

/// The README's code on wrappers, with what it does.
@Suite struct WrapperSnippets {
    // README: begin
    struct Timing: DriverLayer {
        func around<Result>(
            _ call: DriverCall,
            _ body: () async throws(StorageError) -> Result
        ) async throws(StorageError) -> Result {
            let start = ContinuousClock.now
            defer { print(call.operation, ContinuousClock.now - start) }
            return try await body()
        }
    }
    // README: end

    @Test func wrappers() async throws {
        let seen = Mutex<[String]>([])
        @Sendable func encrypt(_ bytes: [UInt8], for key: String) -> [UInt8] {
            seen.withLock { $0.append(key) }
            return bytes.map { $0 ^ 0x55 }
        }
        @Sendable func decrypt(_ bytes: [UInt8], for key: String) -> [UInt8] { bytes.map { $0 ^ 0x55 } }
        // README: begin
        let timed = Storage(MemoryDriver().layered(Timing()))
        let hidden = Storage(
            MemoryDriver().transformed(
                encode: { key, bytes in encrypt(bytes, for: key) },
                decode: { key, bytes in decrypt(bytes, for: key) }
            )
        )
        // README: end
        try await timed.setItem("a", "1")
        #expect(try await timed.getItem("a", as: String.self) == "1")
        try await hidden.setItem("motto", "festina lente")
        #expect(try await hidden.getItem("motto", as: String.self) == "festina lente")
        #expect(seen.withLock { $0 } == ["motto"])
    }
}
