import HTTPTypes
import KVStorage
import KVStorageSQLite
import ProcessOutput
import Sessions

/// A server of its own that the tests start beside themselves, to see what holds between the processes of one site.
///
///     SessionProcess <command> <SQLite file> <secret> <Cookie field> [count]
///
/// Prints what it has to tell line by line; ends with status 1 and the error's code if a session function throws.
@main
struct SessionProcess {
    /// Has to be what the tests keep in sessions.
    struct Visits: Codable, Sendable {
        var count = 0
        var note = ""
    }

    enum Command: String {
        /// Makes so many requests that find their session and add one to its count; prints each new count.
        case increment
        /// Makes a request that only reads; prints the count, or `none`.
        case read
    }

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 4, let command = Command(rawValue: arguments[0]) else {
            Output.line("usage: SessionProcess <command> <SQLite file> <secret> <Cookie field> [count]")
            Output.exit(2)
        }
        do {
            var configuration = SQLiteDriver.Configuration()
            configuration.durability = .processCrash
            // Processes that run in parallel to many tests wait long for each other.
            configuration.busyTimeout = .seconds(60)
            let storage = Storage(try SQLiteDriver(path: arguments[1], configuration: configuration))
            let sessions = try SessionConfig(in: .storage(storage, secrets: [arguments[2]])) { Visits() }
            let count = arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1
            try await Self.run(command, sessions, cookie: arguments[3], count)
            try await storage.dispose()
        } catch let error as SessionError {
            Output.line("error \(error.code)")
            Output.exit(1)
        } catch {
            Output.line("error \(error)")
            Output.exit(2)
        }
    }

    private static func run(
        _ command: Command,
        _ sessions: SessionConfig<Visits>,
        cookie: String,
        _ count: Int
    ) async throws {
        for _ in 0..<count {
            let request = HTTPRequest(
                method: .get,
                scheme: "https",
                authority: "example.org",
                path: "/",
                headerFields: [.cookie: cookie]
            )
            let event = SessionEvent(request: request)
            try await useSession(event, sessions)
            guard let visits = try await getSession(event, as: Visits.self) else {
                Output.line("none")
                return
            }
            switch command {
            case .increment:
                let count = try await updateSession(event, as: Visits.self) { visits in
                    visits.count += 1
                    return visits.count
                }
                Output.line("\(count)")
            case .read: Output.line("\(visits.count)")
            }
        }
    }
}
