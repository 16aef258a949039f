import Foundation
import KVStorage
import Workloads

extension Row {
    /// Values of a type, in memory, against Foundation's coders alone.
    static var typed: [Row] {
        [
            Row(name: "typed get", goal: 0.35) {
                let (storage, profiles) = try await self.profiles()
                let decoder = JSONDecoder()
                let encoded = try profiles.map { try JSONEncoder().encode($0.profile) }
                return self.contest(
                    profiles,
                    subject: { try await storage.getItem(profiles[$0].key, as: Profile.self)?.visits ?? 0 },
                    baseline: { try decoder.decode(Profile.self, from: encoded[$0]).visits },
                    check: { try await self.check(storage, profiles) }
                )
            },
            Row(name: "typed set", goal: 0.6) {
                let (storage, profiles) = try await self.profiles()
                let encoder = JSONEncoder()
                return self.contest(
                    profiles,
                    subject: {
                        try await storage.setItem(profiles[$0].key, profiles[$0].profile)
                        return 1
                    },
                    baseline: { try encoder.encode(profiles[$0].profile).isEmpty ? 0 : 1 },
                    check: { try await self.check(storage, profiles) }
                )
            },
        ]
    }

    private typealias NamedProfile = (key: String, profile: Profile)

    /// A thousand of them stay in the processor's cache, so that the coding shows and not the memory.
    private static func profiles() async throws -> (Storage, [NamedProfile]) {
        let storage = Storage(.memory)
        let profiles = Sample(count: 1000, valueSize: 0).keys.enumerated().map { ($1, Profile($0)) }
        for (key, profile) in profiles { try await storage.setItem(key, profile) }
        return (storage, profiles)
    }

    private static func contest(
        _ profiles: [NamedProfile],
        subject: @escaping @Sendable (Int) async throws -> Int,
        baseline: @escaping @Sendable (Int) throws -> Int,
        check: @escaping Contest.Check
    ) -> Contest {
        let count = profiles.count
        let operations = 20_000
        return Contest(
            subject: Workload(operations: operations) { slice, _ in
                var sum = 0
                for index in slice { sum &+= try await subject(index % count) }
                return sum
            },
            baseline: Workload(operations: operations) { slice, _ in
                var sum = 0
                for index in slice { sum &+= try baseline(index % count) }
                return sum
            },
            check: check
        )
    }

    private static func check(_ storage: Storage, _ profiles: [NamedProfile]) async throws {
        for (key, profile) in profiles {
            guard try await storage.getItem(key) == profile else {
                throw UnequalWork(description: "another value came back than was stored under \(key)")
            }
        }
    }
}
