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
        hub.emit(.remove("a", .removed))
        hub.removeObserver(firstID)
        hub.removeObserver(secondID)
        hub.emit(.lagged)
        #expect(!hub.isObserved)
        #expect(first.events.withLock(\.self) == [.update("a")])
        #expect(second.events.withLock(\.self) == [.update("a"), .remove("a", .removed)])
    }

    @Test("What was posted and never emitted is not for who listens later")
    func postedEventsDoNotOutliveTheirObservers() {
        let hub = EventHub()
        let (first, second) = (Heard(), Heard())
        let id = hub.addObserver { event in first.events.withLock { $0.append(event) } }
        hub.post(.update("old"))
        hub.removeObserver(id)
        hub.flush()
        _ = hub.addObserver { event in second.events.withLock { $0.append(event) } }
        hub.post(.update("new"))
        hub.flush()
        #expect(first.events.withLock(\.self) == [])
        #expect(second.events.withLock(\.self) == [.update("new")])
    }

    @Test("A flush ends though observers go on posting, and nothing posted is left", .timeLimit(.minutes(1)))
    func flushingEnds() async {
        let hub = EventHub()
        let heard = Heard()
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        _ = hub.addObserver { event in
            let count = heard.events.withLock { events in
                events.append(event)
                return events.count
            }
            if count < 1000 { hub.post(.update("\(count)")) } else { end.finish() }
        }
        hub.post(.update("0"))
        hub.flush()
        // The writer is back after a few rounds; the rest comes without it.
        for await _ in ends {}
        #expect(heard.events.withLock(\.self) == (0..<1000).map { .update("\($0)") })
    }

    @Test func eventsKnowTheirKeys() {
        #expect(StorageEvent.update("a").key == "a")
        #expect(StorageEvent.remove("a", .removed).key == "a")
        #expect(StorageEvent.lagged.key == nil)
        #expect(StorageEvent.update("a").mapKey { "b:\($0)" } == .update("b:a"))
        #expect(StorageEvent.remove("a", .removed).mapKey { _ in nil } == nil)
        #expect(StorageEvent.lagged.mapKey { _ in nil } == .lagged)
    }
}
