import KVStorage
import KVStorageRedis
import Synchronization

/// Keeps what it is told as words.
final class RecordingObserver: RedisObserver {
    private let state = Mutex<(events: [String], reports: [RedisCommandReport])>(([], []))

    var events: [String] { self.state.withLock { $0.events } }
    var reports: [RedisCommandReport] { self.state.withLock { $0.reports } }

    private func add(_ event: String) {
        self.state.withLock { $0.events.append(event) }
    }

    func connecting(to server: String, attempt: Int) {
        self.add("connecting \(server) \(attempt)")
    }

    func connected(to server: String, after duration: Duration) {
        self.add("connected \(server)")
    }

    func failedToConnect(to server: String, attempt: Int, _ error: StorageError) {
        self.add("failed \(server) \(attempt) \(error.code)")
    }

    func disconnected(from server: String, _ error: StorageError) {
        self.add("disconnected \(server) \(error.code)")
    }

    func finished(_ command: RedisCommandReport) {
        self.state.withLock { $0.reports.append(command) }
    }

    func topologyChanged(masters: [String]) {
        self.add("topology \(masters.joined(separator: ","))")
    }
}
