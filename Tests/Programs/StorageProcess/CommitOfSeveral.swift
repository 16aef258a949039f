import KVStorage
import KVStorageFiles
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Commits of several items, and an end in the middle of one.
enum CommitOfSeveral {
    /// Moves ten from `a` to `b`, removes an item with its folder, and writes one in a new folder, one above another, and one
    /// with a lifetime.
    static var commit: Commit {
        Commit(
            checks: [.init("a", .bytes(Array("100".utf8))), .init("b", .present), .init("nothing", .absent)],
            mutations: [
                self.set("a", "90"), self.set("b", "110"), .remove(key: "old:log"), self.set("deep:new:item", "new"),
                self.set("foo", "2"), self.set("foo:bar", "3"),
                self.set("short", "4", WriteOptions(ttl: .seconds(100_000))),
            ])
    }

    private static func set(_ key: String, _ value: String, _ options: WriteOptions = WriteOptions()) -> Mutation {
        .set(key: key, value: Array(value.utf8), options: options)
    }

    private static let remainingCalls = Atomic(0)

    /// Ends the process, as `kill -9` does, right after it has changed something for the so many'th time.
    static func killAfter(_ count: Int) {
        self.remainingCalls.store(count, ordering: .sequentiallyConsistent)
        SystemHook.notify {
            if self.remainingCalls.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 {
                kill(getpid(), SIGKILL)
                // Until it is carried out nothing more is to happen.
                while true { pause() }
            }
        }
    }

    /// Between `x0` and `x3`; the sum stays.
    static func transfer(_ store: any StorageDriver, _ count: Int) async throws {
        var remaining = count
        while remaining > 0 {
            let keys = ["x0", "x1", "x2", "x3"].shuffled().prefix(2)
            let values = try await store.getItems(Array(keys))
            let numbers = values.map { $0.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0 }
            var commit = Commit()
            for (index, key) in keys.enumerated() {
                commit.checks.append(.init(key, values[index].map { .bytes($0) } ?? .absent))
                commit.mutations.append(self.set(key, "\(numbers[index] + (index == 0 ? -1 : 1))"))
            }
            if case .committed = try await store.commit(commit) { remaining -= 1 }
        }
    }
}
