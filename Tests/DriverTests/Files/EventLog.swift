import KVStorage
import KVStorageFiles

/// What a driver emits.
final class EventLog: Sendable {
    private let events = Watched<[StorageEvent]>([])

    init(_ driver: FilesDriver) {
        _ = driver.events?.addObserver { [weak self] event in self?.events.withLock { $0.append(event) } }
    }

    /// Listens to what others do as well.
    static func watching(_ driver: FilesDriver) async throws -> EventLog {
        let log = EventLog(driver)
        try await driver.startWatching()
        return log
    }

    /// Waits for events that have to come.
    func wait(until condition: @escaping @Sendable ([StorageEvent]) -> Bool) async throws {
        try await self.events.wait(until: condition)
    }

    var all: [StorageEvent] { self.events.withLock { $0 } }
}
