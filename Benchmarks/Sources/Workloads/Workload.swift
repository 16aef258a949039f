/// A number of operations that are carried out by one or several tasks, as often as one likes.
package struct Workload: Sendable {
    /// Carries out the operations with these numbers and returns a checksum of what they answered.
    ///
    /// `pass` counts the runs, so that a write can store something else each time.
    package typealias Body = @Sendable (_ operations: Range<Int>, _ pass: Int) async throws -> Int

    package let operations: Int
    package let tasks: Int
    private let body: Body

    package init(operations: Int, tasks: Int = 1, body: @escaping Body) {
        self.operations = operations
        self.tasks = tasks
        self.body = body
    }

    /// Carries out all operations, spread evenly over the tasks, and returns the sum of their checksums.
    package func run(pass: Int) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<self.tasks {
                let slice = (self.operations * task / self.tasks)..<(self.operations * (task + 1) / self.tasks)
                group.addTask { try await self.body(slice, pass) }
            }
            return try await group.reduce(0, &+)
        }
    }
}
