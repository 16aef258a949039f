import KVStorage
import Workloads

extension Row {
    /// Listing 100 keys must not become slow when the store becomes large.
    static func listing(
        _ driver: String,
        goal: Double,
        _ makeStorage: @escaping @Sendable (_ folder: Scratch) async throws -> Storage
    ) -> Row {
        Row(name: "\(driver) keys, 100 of 1,000,000", goal: goal) {
            let folder = try Scratch(driver)
            let large = try await makeStorage(folder)
            let small = try await makeStorage(folder)
            let few = Listing(groups: 10)
            try await large.fill(Listing(groups: 10_000))
            try await small.fill(few)
            return Contest(
                subject: .lists(large, bases: few.bases, operations: 2000),
                baseline: .lists(small, bases: few.bases, operations: 2000),
                check: {
                    guard try await large.getKeys().count == 1_000_000, try await small.getKeys().count == 1000 else {
                        throw UnequalWork(description: "the stores don't hold what they were filled with")
                    }
                },
                tearDown: {
                    try await large.dispose()
                    try await small.dispose()
                    try folder.remove()
                }
            )
        }
    }
}
