import HTTPTypes
import KVStorage
import KVStorageRedis
import KVStorageSQLite
import Sessions
import Workloads

extension Row {
    /// Reading a user's session, which also reads what revocations change, against reading an anonymous one on the same store.
    static var users: [Row] {
        [
            self.user("memory", operations: 20_000) { _ in Storage(.memory) },
            self.user("sqlite", operations: 10_000) { Storage(try .sqlite(at: $0.newPath())) },
            Row(name: "redis session of a user", goal: 2) {
                let server = try RedisServer()
                return try await self.userContest("redis", operations: 4000, finally: server.stop) { _ in
                    Storage(try .redis("redis://127.0.0.1:\(server.port)"))
                }
            },
        ]
    }

    private static func user(
        _ driver: String, operations: Int, _ makeStorage: @escaping @Sendable (Scratch) throws -> Storage
    ) -> Row {
        Row(name: "\(driver) session of a user", goal: 2) {
            try await self.userContest(driver, operations: operations, makeStorage)
        }
    }

    private static func userContest(
        _ driver: String,
        operations: Int,
        finally end: @escaping @Sendable () -> Void = {},
        _ makeStorage: (Scratch) throws -> Storage
    ) async throws -> Contest {
        let folder = try Scratch(driver)
        let storage = try makeStorage(folder)
        let sessions = try SessionConfig(
            in: .storage(storage.prefixed("sessions"), secrets: ["a secret of at least 32 bytes, for this"])
        ) { Profile(0) }
        var users: [HTTPRequest] = []
        var visitors: [HTTPRequest] = []
        for number in 0..<100 {
            users.append(try await self.request(sessions, Profile(number), "user \(number)"))
            visitors.append(try await self.request(sessions, Profile(number), nil))
        }
        @Sendable func visits(_ request: HTTPRequest) async throws -> Int {
            let event = SessionEvent(request: request, remoteAddress: "192.0.2.1", isSecure: true)
            try await useSession(event, sessions)
            return try await getSession(event, as: Profile.self)?.visits ?? -1
        }
        func reads(_ requests: [HTTPRequest]) -> Workload {
            Workload(operations: operations) { slice, _ in
                var sum = 0
                for index in slice { sum &+= try await visits(requests[index % requests.count]) }
                return sum
            }
        }
        return Contest(
            subject: reads(users),
            baseline: reads(visitors),
            check: { [users, visitors] in
                for (user, visitor) in zip(users, visitors) {
                    guard try await visits(user) >= 0, try await visits(user) == visits(visitor) else {
                        throw UnequalWork(description: "a user's session holds another value than a visitor's")
                    }
                }
            },
            tearDown: {
                try await storage.dispose()
                try folder.remove()
                end()
            }
        )
    }
}
