import KVStorageTesting
import Testing

@testable import KVStorage

@Suite struct BaseTests {
    private let storage = Storage()

    @Test(arguments: ["/", ":", "?", "?evil", "//\\", "a\0b", "\0", "a/\0?x"])
    func aBaseThatCannotBeOneWidensNothing(_ base: String) async throws {
        try await self.storage.setItem("secret", 1)
        try await self.storage.setItem("t:secret", 1)
        for outer in [self.storage, self.storage.prefixed("t")] {
            let views = [
                outer.prefixed(base), outer.prefixed(base).prefixed("x"), outer.prefixed(base).timeLimit(.seconds(1)),
            ]
            let calls: [@Sendable () async throws -> Void] =
                views.flatMap { view -> [@Sendable () async throws -> Void] in
                    [
                        { _ = try await view.getItem("secret", as: Int.self) },
                        { try await view.setItem("a", 1) },
                        { _ = try await view.getKeys() },
                        { for try await _ in view.keys() {} },
                        { for try await _ in view.items(as: Int.self) {} },
                        { try await view.clear() },
                        { _ = try await view.watch() },
                        { _ = try await view.snapshot() },
                        { try await view.restoreSnapshot(Snapshot()) },
                        { _ = try await view.copy("", to: Storage()) },
                        { _ = try await Storage().copy("", to: view) },
                        { try view.mount("m", .memory) },
                        { try await view.unmount("m") },
                        { _ = try await view.updateItem("a", default: 0) { $0 += 1 } },
                        { _ = try await view.prefixed("x", of: Int.self).getItem("a") },
                    ]
                } + [
                    { _ = try await outer.getKeys(base) },
                    { try await outer.clear(base) },
                    { _ = try await outer.watch(base) },
                    { _ = try await outer.snapshot(base) },
                    { try outer.mount(base, .memory) },
                    { try await outer.restoreSnapshot(Snapshot(), to: base) },
                ]
            for (number, call) in calls.enumerated() {
                let error = await #expect(throws: StorageError.self, "call \(number)") { try await call() }
                #expect(error?.code == .invalidKey, "call \(number)")
            }
            #expect(outer.getMounts(base).isEmpty)
        }
        #expect(try await self.storage.getKeys().sorted() == ["secret", "t:secret"])
    }

    @Test func anEmptyBaseIsTheViewItself() async throws {
        try await self.storage.prefixed("").setItem("a", 1)
        try await self.storage.prefixed("t").prefixed("").setItem("a", 2)
        #expect(try await self.storage.getKeys().sorted() == ["a", "t:a"])
        #expect(try await self.storage.prefixed("t?x").getKeys() == ["a"])
    }
}
