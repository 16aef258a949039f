import Synchronization
import Testing

@testable import KVStorage

@Suite struct EventHubTests {
    private final class Heard: Sendable {
        let events = Mutex<[StorageEvent]>([])
    }

    @Test func tellsEveryObserver() {
        let hub = EventHub()
        let (first, second) = (Heard(), Heard())
        #expect(!hub.isObserved)
        hub.emit(.update("unheard"))
        let firstID = hub.addObserver { event in first.events.withLock { $0.append(event) } }
        let secondID = hub.addObserver { event in second.events.withLock { $0.append(event) } }
        #expect(hub.isObserved)
        hub.emit(.update("a"))
        hub.removeObserver(firstID)
        hub.emit(.remove("a"))
        hub.removeObserver(firstID)
        hub.removeObserver(secondID)
        hub.emit(.lagged)
        #expect(!hub.isObserved)
        #expect(first.events.withLock(\.self) == [.update("a")])
        #expect(second.events.withLock(\.self) == [.update("a"), .remove("a")])
    }

    @Test func eventsKnowTheirKeys() {
        #expect(StorageEvent.update("a").key == "a")
        #expect(StorageEvent.remove("a").key == "a")
        #expect(StorageEvent.lagged.key == nil)
        #expect(StorageEvent.update("a").mapKey { "b:\($0)" } == .update("b:a"))
        #expect(StorageEvent.remove("a").mapKey { _ in nil } == nil)
        #expect(StorageEvent.lagged.mapKey { _ in nil } == .lagged)
    }
}
