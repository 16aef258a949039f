import KVStorage
import Synchronization
import Testing

@Suite("Engines: what is checked before a write is queued")
struct CommittingDriverTests {
    /// Takes keys of up to 3 and values of up to 5 bytes, and keeps what reaches it.
    private final class SmallDriver: CommittingDriver {
        static let engine = "Small"

        let name = "small"
        let capabilities = Capabilities([.atomicCommit, .customMetadata], maximumKeyBytes: 3, maximumValueBytes: 5)
        let operationCount = Atomic(0)

        func write(_ operation: WriteOperation, _ key: String?) async throws(StorageError) -> WriteOperation.Answer {
            self.operationCount.add(1, ordering: .relaxed)
            return WriteOperation.Answer()
        }

        func requireLength(of key: String) throws(StorageError) {
            guard key.utf8.count > 3 else { return }
            throw StorageError(.invalidKey, "the key is too long; shorten it", key: key)
        }

        func getItem(_ key: String) async throws(StorageError) -> [UInt8]? { nil }
        func getEntries(_ keys: [String]) async throws(StorageError) -> [Entry?] { keys.map { _ in nil } }
        func getKeys(_ query: KeyQuery) async throws(StorageError) -> KeyPage { KeyPage(keys: []) }
        func dispose() async throws(StorageError) {}
    }

    private static func set(_ key: String, _ count: Int, _ fields: FieldChange = .keep) -> Mutation {
        .set(key: key, value: [UInt8](repeating: 1, count: count), options: WriteOptions(), fields: fields)
    }

    private static let large: [Mutation] = [
        set("big", 6), set("big", 1, .replace([1, 2, 3, 4, 5, 6])),
    ]
    private static let long: [Mutation] = [set("long", 1), .remove(key: "long"), .touch(key: "long", ttl: .forever)]

    @Test("A later mutation that can't be kept has none of them reach the engine, and is named")
    func refused() async throws {
        let driver = SmallDriver()
        for (mutations, code) in [(Self.large, StorageError.Code.tooLarge), (Self.long, .invalidKey)] {
            for mutation in mutations {
                let all = [Self.set("a", 5), .remove(key: "b"), mutation]
                await self.expect(code, mutation.key) { () throws(StorageError) in _ = try await driver.apply(all) }
                let commit = Commit(mutations: all)
                await self.expect(code, mutation.key) { () throws(StorageError) in _ = try await driver.commit(commit) }
            }
        }
        let check = Commit(checks: [.init("long", .absent)], mutations: [Self.set("a", 1)])
        #expect(await code { () throws(StorageError) in _ = try await driver.commit(check) } == .invalidKey)
        #expect(driver.operationCount.load(ordering: .relaxed) == 0)
        _ = try await driver.commit(Commit(mutations: [Self.set("a", 5, .replace([1, 2, 3, 4, 5]))]))
        #expect(driver.operationCount.load(ordering: .relaxed) == 1)
    }

    private func expect(
        _ code: StorageError.Code,
        _ key: String,
        _ call: () async throws(StorageError) -> Void
    ) async {
        do throws(StorageError) {
            try await call()
            Issue.record("what can't be kept was accepted")
        } catch {
            #expect(error.code == code)
            #expect(error.key == key)
        }
    }
}
