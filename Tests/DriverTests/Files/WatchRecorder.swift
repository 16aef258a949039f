import Foundation
import KVStorage
import KVStorageFiles
import Synchronization

#if os(Linux)
/// Gathers a driver's events and hands them out up to a marker.
final class WatchRecorder: Sendable {
    private struct State {
        var events: [StorageEvent] = []
        var waiting: (key: StorageEvent, continuation: CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())
    let driver: FilesDriver

    init(_ driver: FilesDriver) async throws {
        self.driver = driver
        _ = driver.events?.addObserver { [state = StateBox(self)] event in state.recorder?.receive(event) }
        try await driver.startWatching()
    }

    private func receive(_ event: StorageEvent) {
        let woken = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.events.append(event)
            guard let waiting = state.waiting, waiting.key == event else { return nil }
            state.waiting = nil
            return waiting.continuation
        }
        woken?.resume()
    }

    /// Waits for the event and returns all up to it, without those handed out before.
    func events(upTo event: StorageEvent) async -> [StorageEvent] {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThere = self.state.withLock { state in
                    if state.events.contains(event) || Task.isCancelled { return true }
                    state.waiting = (event, continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            let waiting = self.state.withLock { state in
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.continuation.resume()
        }
        return self.state.withLock { state in
            let end = state.events.firstIndex(of: event) ?? state.events.endIndex
            let taken = Array(state.events[..<end])
            state.events.removeFirst(min(end + 1, state.events.count))
            return taken
        }
    }

    /// Writes a marker by hand and returns what the kernel told before it.
    func allByHand(_ files: FilesFixture) async throws -> [StorageEvent] {
        let key = "marker-\(UUID().uuidString)"
        try files.write("1", to: key)
        return await self.events(upTo: .update(key))
    }

    /// Writes a marker with the driver and returns what came before it.
    func all(_ marker: String = "marker") async throws -> [StorageEvent] {
        let key = "\(marker)-\(UUID().uuidString)"
        try await self.driver.set(key, "1")
        return await self.events(upTo: .update(key))
    }
}

private final class StateBox: Sendable {
    private let box = Mutex<WeakRecorder>(WeakRecorder())
    var recorder: WatchRecorder? { self.box.withLock { $0.recorder } }

    init(_ recorder: WatchRecorder) {
        self.box.withLock { $0.recorder = recorder }
    }
}

private struct WeakRecorder {
    weak var recorder: WatchRecorder?
}
#endif
