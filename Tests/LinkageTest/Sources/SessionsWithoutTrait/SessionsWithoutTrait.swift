import Sessions

/// What somebody writes who forgot the trait; `check` sees that one sentence says so.
@main
enum SessionsWithoutTrait {
    static func main() async throws {
        let sessions = try SessionConfig(in: .storage(Storage(), secrets: "a secret of at least thirty-two bytes")) {
            0
        }
        print(sessions)
    }
}
