import KVStorage
import Synchronization

/// Turns keyspace notifications into events.
final class RedisNotifications: RedisSubscriber {
    private struct State {
        var wasSubscribed = false
        /// The name whose value the last notification told the writing of.
        var lastWritten: [UInt8]?
    }

    private let events: EventHub
    private let keys: RedisKeys
    private let onLoss: @Sendable () -> Void
    /// What stands before the name in a channel's name.
    private let channel: [UInt8]
    private let state = Mutex(State())

    init(_ keys: RedisKeys, channel: [UInt8], _ events: EventHub, onLoss: @escaping @Sendable () -> Void) {
        self.keys = keys
        self.channel = channel
        self.events = events
        self.onLoss = onLoss
    }

    func lost() {
        self.onLoss()
    }

    func subscribed() {
        let isAgain = self.state.withLock { state in
            defer { state.wasSubscribed = true }
            return state.wasSubscribed
        }
        // What happened in between was not told.
        if isAgain { self.events.emit(.lagged) }
    }

    /// Takes `pmessage`, the pattern, the channel, the event.
    func receive(_ message: [RedisReply]) {
        guard message.count == 4, case .bytes(let channel) = message[2], case .bytes(let event) = message[3],
            channel.starts(with: self.channel)
        else { return }
        let name = Array(channel.dropFirst(self.channel.count))
        if let event = self.event(String(decoding: event, as: UTF8.self), name) { self.events.emit(event) }
    }

    private enum Change {
        case value, lifeTime, removal
    }

    private func event(_ event: String, _ name: [UInt8]) -> StorageEvent? {
        guard let change = Self.change(event) else { return nil }
        let isSameWrite = self.state.withLock { state in
            defer { state.lastWritten = change == .value ? name : nil }
            return change == .lifeTime && state.lastWritten == name
        }
        // A write with a life time is told twice by the server.
        if isSameWrite { return nil }
        switch (self.keys.meaning(of: name), change) {
        case (.item(let key), .removal): return .remove(key)
        case (.item(let key), _): return .update(key)
        // Its life time follows the item's, and it goes with the item; ``RedisScript/removeMeta`` sees to the rest.
        case (.metadata(let key), .value): return .update(key)
        case (.metadata, _), (nil, _): return nil
        }
    }

    private static func change(_ event: String) -> Change? {
        switch event {
        case "set", "append", "setrange", "incrby", "decrby", "incrbyfloat", "rename_to", "move_to", "copy_to",
            "restore":
            .value
        case "expire", "persist":
            .lifeTime
        case "del", "expired", "evicted", "rename_from", "move_from":
            .removal
        default:
            nil
        }
    }
}
