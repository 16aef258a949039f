import KVStorage
import KVStorageFiles
import Synchronization

/// What a driver emits.
final class EventLog: Sendable {
    private let events = Mutex<[StorageEvent]>([])

    init(_ driver: FilesDriver) {
        _ = driver.events?.addObserver { [weak self] event in self?.events.withLock { $0.append(event) } }
    }

    /// Listens to what others do as well.
    static func watching(_ driver: FilesDriver) async throws -> EventLog {
        let log = EventLog(driver)
        try await driver.startWatching()
        return log
    }

    /// Waits for events that have to come; the test's time limit ends what never does.
    func wait(until condition: ([StorageEvent]) -> Bool) async throws {
        while !condition(self.all) { try await Task.sleep(for: .milliseconds(1)) }
    }

    var all: [StorageEvent] { self.events.withLock { $0 } }
}
