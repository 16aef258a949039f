import HTTPTypes
import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageRedis
import KVStorageSQLite
import ProcessOutput
import Sessions

/// A server of its own that the tests start beside themselves, to see what holds between the processes of one site.
///
///     SessionProcess <command> <store> <secret> <Cookie field> [count]
///
/// A store is named as in `sqlite:/path/to/file`, `lmdb:/path`, `files:/path`, `unix:///path/to/redis.sock`.
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
        /// Does the action that stands before the cookie, for each line of the file that is named in place of the cookie; prints
        /// a line before each, then all cookies that came of it.
        case act
    }

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 4, let command = Command(rawValue: arguments[0]) else {
            Output.line("usage: SessionProcess <command> <store> <secret> <Cookie field> [count]")
            Output.exit(2)
        }
        do {
            let storage = Storage(try Self.open(arguments[1]), busyTimeout: .seconds(60))
            var options = SessionOptions()
            options.idleTimeout = .seconds(86_400)
            options.touchInterval = command == .act ? .zero : nil
            let sessions = try SessionConfig(in: .storage(storage, secrets: [arguments[2]]), options: options) {
                Visits()
            }
            let count = arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1
            if command == .act {
                try await SessionActions(sessions).run(arguments[3])
            } else {
                try await Self.run(command, sessions, cookie: arguments[3], count)
            }
            try await storage.dispose()
        } catch let error as SessionError {
            Output.line("error \(error.code)")
            Output.exit(1)
        } catch {
            Output.line("error \(error)")
            Output.exit(2)
        }
    }

    private static func open(_ text: String) throws -> any StorageDriver {
        guard let colon = text.firstIndex(of: ":") else { throw StorageError(.invalidOption, "no store: \(text)") }
        let path = String(text[text.index(after: colon)...])
        // Processes that run in parallel to many tests wait long for each other.
        switch text[..<colon] {
        case "sqlite":
            var configuration = SQLiteDriver.Configuration()
            configuration.durability = .processCrash
            configuration.busyTimeout = .seconds(60)
            return try SQLiteDriver(path: path, configuration: configuration)
        case "lmdb":
            var configuration = LMDBDriver.Configuration()
            configuration.durability = .unflushed
            configuration.busyTimeout = .seconds(60)
            return try LMDBDriver(path: path, configuration: configuration)
        case "files":
            var configuration = FilesDriver.Configuration()
            configuration.busyTimeout = .seconds(60)
            return try FilesDriver(path: path, configuration: configuration)
        case "unix":
            return try RedisDriver.redis(text)
        default: throw StorageError(.invalidOption, "no store: \(text)")
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
            case .read, .act: Output.line("\(visits.count)")
            }
        }
    }
}
