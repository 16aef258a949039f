import KVStorage
import KVStorageFiles
import KVStorageLMDB
import KVStorageRedis
import KVStorageSQLite

/// A store as it is named on the command line: `sqlite:/path/to/file?processCrash,exclusive`,
/// `lmdb:/path/to/folder?unflushed,tiny`, `fs:/path/to/folder?durable`, or any URL that `.redis(_:_:)` takes.
struct Store {
    struct Unknown: Error {
        let text: String
    }

    private let text: String
    private let scheme: String
    private let path: String
    private let options: Set<String>

    init(_ text: String) throws {
        guard let colon = text.firstIndex(of: ":") else { throw Unknown(text: text) }
        self.text = text
        self.scheme = String(text[..<colon])
        let rest = text[text.index(after: colon)...]
        let parts = rest.split(separator: "?", maxSplits: 1)
        self.path = parts.first.map(String.init) ?? ""
        self.options = Set((parts.count > 1 ? parts[1] : "").split(separator: ",").map(String.init))
    }

    func open() throws -> any StorageDriver {
        switch self.scheme {
        case "fs": try self.openFiles()
        case "lmdb": try self.openLMDB()
        case "sqlite": try self.openSQLite()
        case "redis", "rediss", "redis-cluster", "unix": try self.openRedis()
        default: throw Unknown(text: self.scheme)
        }
    }

    private func openFiles() throws -> any StorageDriver {
        var configuration = FilesDriver.Configuration()
        for option in self.options {
            switch option {
            case "durable": configuration.durability = .powerLoss
            // Processes that run in parallel to many tests wait long for each other.
            case "patient": configuration.busyTimeout = .seconds(60)
            case "readOnly": configuration.readOnly = true
            default: throw Unknown(text: option)
            }
        }
        return try FilesDriver(path: self.path, configuration: configuration)
    }

    private func openLMDB() throws -> any StorageDriver {
        var configuration = LMDBDriver.Configuration()
        // Processes that run in parallel to many tests wait long for each other.
        configuration.busyTimeout = .seconds(60)
        for option in self.options {
            switch option {
            case "processCrash": configuration.durability = .processCrash
            case "unflushed": configuration.durability = .unflushed
            // A map that has to grow soon and often.
            case "tiny": configuration.initialSize = 64 << 10
            case "readOnly": configuration.readOnly = true
            case "impatient": configuration.busyTimeout = .milliseconds(200)
            case "stopping": configuration.clock = StoppingClock.shared
            default: throw Unknown(text: option)
            }
        }
        return try LMDBDriver(path: self.path, configuration: configuration)
    }

    private func openRedis() throws -> any StorageDriver {
        var configuration = RedisDriver.Configuration()
        // Processes that run in parallel to many tests wait long for each other.
        configuration.commandTimeout = .seconds(60)
        return try RedisDriver.redis(self.text, configuration)
    }

    private func openSQLite() throws -> any StorageDriver {
        var configuration = SQLiteDriver.Configuration()
        for option in self.options {
            switch option {
            case "processCrash": configuration.durability = .processCrash
            case "exclusive": configuration.exclusive = true
            case "readOnly": configuration.readOnly = true
            // Processes that run in parallel to many tests wait long for each other.
            case "patient": configuration.busyTimeout = .seconds(60)
            case "impatient": configuration.busyTimeout = .zero
            default: throw Unknown(text: option)
            }
        }
        return try SQLiteDriver(path: self.path, configuration: configuration)
    }
}
