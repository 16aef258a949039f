import Foundation
import HTTPTypes
import KVStorage
import KVStorageSQLite
import KVStorageTesting
import Sessions
import Synchronization
import Testing

/// What the tests keep in sessions.
struct Visits: Codable, Sendable, Equatable {
    var count = 0
    var note = ""
}

/// The storages that the tests run on.
enum Store: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case memory
    case sqlite

    var testDescription: String { self.rawValue }

    /// Opens a driver; several for one file share what they store.
    func driver(_ file: URL, _ clock: any StorageClock) throws -> any StorageDriver {
        switch self {
        case .memory:
            return MemoryDriver(MemoryDriver.Configuration(clock: clock))
        case .sqlite:
            var configuration = SQLiteDriver.Configuration()
            configuration.clock = clock
            configuration.durability = .processCrash
            configuration.busyTimeout = .seconds(60)
            return try SQLiteDriver(path: file.path(), configuration: configuration)
        }
    }
}

/// A storage whose calls are counted, that fails and pauses on demand, a clock, and what was reported.
final class World: Sendable {
    let clock: ManualClock
    let counting: CountingDriver
    let faulty: FaultyDriver
    let pausing: PausingDriver
    let storage: Storage
    /// The driver without what counts, fails and pauses.
    let driver: any StorageDriver
    /// Another handle to the same items: another driver on the same file, where there is a file.
    let otherStorage: Storage
    /// The file of a storage that has one.
    let file: URL
    private let store: Store
    private let folder: URL
    private let log = Mutex<[SessionActivity]>([])

    init(_ store: Store = .memory) throws {
        self.clock = ManualClock()
        self.folder = FileManager.default.temporaryDirectory.appending(path: "sessions-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        self.store = store
        self.file = self.folder.appending(path: "sessions.db")
        let driver = AnyDriver(base: try store.driver(self.file, self.clock))
        self.driver = driver
        self.counting = CountingDriver(driver)
        self.faulty = FaultyDriver(self.counting)
        self.pausing = PausingDriver(self.faulty)
        self.storage = Storage(self.pausing)
        self.otherStorage =
            store == .memory ? Storage(driver) : Storage(AnyDriver(base: try store.driver(self.file, self.clock)))
    }

    /// A further, empty storage whose clock stands still: nothing ever expires in it.
    func forgetfulStorage() throws -> Storage {
        let file = self.folder.appending(path: "forgetful.db")
        return Storage(AnyDriver(base: try self.store.driver(file, ManualClock(now: self.clock.now))))
    }

    /// A configuration over the other handle.
    func otherConfig(
        maxAge: Duration = .seconds(86_400),
        idleTimeout: Duration? = nil,
        _ change: (inout SessionOptions) -> Void = { _ in }
    ) throws -> SessionConfig<Visits> {
        try self.config(maxAge: maxAge, idleTimeout: idleTimeout, store: self.otherStorage, change)
    }

    deinit {
        try? FileManager.default.removeItem(at: self.folder)
    }

    static let secret = "a secret of at least 32 bytes, for tests"

    /// The storage with the one secret.
    var place: SessionPlace { .storage(self.storage, secrets: [World.secret]) }

    /// Options with the world's clock, and otherwise the defaults.
    var options: SessionOptions {
        var options = SessionOptions()
        options.clock = self.clock
        return options
    }

    func config(
        secret: [String] = [World.secret],
        name: String = "sid",
        maxAge: Duration = .seconds(86_400),
        idleTimeout: Duration? = nil,
        rolling: Bool = false,
        cookie: CookieAttributes = CookieAttributes(),
        creation: SessionCreation = .onFirstWrite,
        store: Storage? = nil,
        _ change: (inout SessionOptions) -> Void = { _ in }
    ) throws -> SessionConfig<Visits> {
        var options = SessionOptions()
        options.maxAge = maxAge
        options.idleTimeout = idleTimeout
        options.rolling = rolling
        options.cookie = cookie
        options.creation = creation
        options.clock = self.clock
        options.onActivity = { [weak self] activity in self?.log.withLock { $0.append(activity) } }
        change(&options)
        let place = SessionPlace.storage(store ?? self.storage, secrets: SessionSecrets(secret))
        return try SessionConfig(in: place, name: name, options: options) { Visits() }
    }

    /// What was reported so far.
    var activities: [SessionActivity] { self.log.withLock { $0 } }

    /// The kinds of what was reported so far.
    var kinds: [SessionActivity.Kind] { self.activities.map(\.kind) }

    /// The keys of all items, but for the epochs: those of a user stay when their sessions end.
    func keys() async throws -> [String] {
        try await self.storage.getKeys().filter { !$0.contains(":epochs:") }.sorted()
    }

    /// The keys of the sessions' records.
    func records() async throws -> [String] { try await self.keys().filter { $0.split(separator: ":").count == 2 } }
}

/// Any driver as one type, to be put into a generic one.
struct AnyDriver: ForwardingDriver {
    let base: any StorageDriver

    func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try await body()
    }
}

/// A request that adds one to the count.
@discardableResult
func increment(_ event: SessionEvent) async throws -> Int {
    try await updateSession(event, as: Visits.self) { visits in
        visits.count += 1
        return visits.count
    }
}

/// Runs the body and returns the code of the session error that it throws; `nil` if it throws none.
func code(_ body: () async throws -> Void) async throws -> SessionError.Code? {
    do {
        try await body()
        return nil
    } catch let error as SessionError {
        return error.code
    }
}
