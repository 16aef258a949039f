import KVStorage
import Synchronization

/// Turns keyspace notifications into events.
final class Notifications: Subscriber {
    private struct State {
        /// The name whose value the last notification told the writing of, while those that came with it are taken.
        var lastWritten: [UInt8]?
        /// The name whose lifetime the last notification was about.
        var lastTouched: [UInt8]?
    }

    private let events: EventHub
    private let keys: Keys
    private let onSubscription: @Sendable () -> Void
    private let onLoss: @Sendable () -> Void
    /// What stands before the name in a channel's name.
    private let channel: [UInt8]
    private let state = Mutex(State())

    init(
        _ keys: Keys,
        channel: [UInt8],
        _ events: EventHub,
        onSubscription: @escaping @Sendable () -> Void,
        onLoss: @escaping @Sendable () -> Void
    ) {
        self.keys = keys
        self.channel = channel
        self.events = events
        self.onSubscription = onSubscription
        self.onLoss = onLoss
    }

    func lost() {
        self.onLoss()
    }

    func subscribed() {
        self.onSubscription()
    }

    /// What comes next was sent later: a touch that follows a write then is a change of its own. One that came together with
    /// the write is over when the write is emitted, no matter which client has done it.
    func receivedAll() {
        self.state.withLock { $0.lastWritten = nil }
    }

    /// Takes `pmessage`, the pattern, the channel, the event.
    func receive(_ message: [Reply]) {
        guard message.count == 4, case .bytes(let channel) = message[2], case .bytes(let event) = message[3],
            channel.starts(with: self.channel)
        else { return }
        let name = Array(channel.dropFirst(self.channel.count))
        if let event = self.event(String(decoding: event, as: UTF8.self), name) { self.events.emit(event) }
    }

    private enum Change {
        case value, lifetime
        case removal(StorageEvent.RemovalCause)

        var isValue: Bool { if case .value = self { true } else { false } }
        var isLifetime: Bool { if case .lifetime = self { true } else { false } }
    }

    private func event(_ event: String, _ name: [UInt8]) -> StorageEvent? {
        guard let change = Self.change(event) else { return nil }
        let (isSameWrite, wasTouched) = self.state.withLock { state in
            defer {
                state.lastWritten = change.isValue ? name : nil
                state.lastTouched = change.isLifetime ? name : nil
            }
            return (change.isLifetime && state.lastWritten == name, state.lastTouched == name)
        }
        // A write with a lifetime is told twice by the server.
        if isSameWrite { return nil }
        switch (self.keys.meaning(of: name), change) {
        case (.item(let key), .removal(let cause)): return .remove(key, cause)
        case (.item(let key), _): return .update(key)
        // Its lifetime follows the item's, and it goes with the item; ``Script/removeMeta`` touches what it removes.
        case (.metadata(let key), .value): return .update(key)
        case (.metadata(let key), .removal) where wasTouched: return .update(key)
        case (.metadata, _), (nil, _): return nil
        }
    }

    private static func change(_ event: String) -> Change? {
        switch event {
        case "set", "append", "setrange", "incrby", "decrby", "incrbyfloat", "rename_to", "move_to", "copy_to",
            "restore":
            .value
        case "expire", "persist":
            .lifetime
        case "del", "rename_from", "move_from":
            .removal(.removed)
        case "expired":
            .removal(.expired)
        case "evicted":
            .removal(.evicted)
        default:
            nil
        }
    }
}
