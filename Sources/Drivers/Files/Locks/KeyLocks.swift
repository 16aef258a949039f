import KVStorage

/// Lets one task at a time change an item, of this process and of all others.
///
/// A task has to come first in its process's queue for the key, and then get the lock that holds between processes. It waits
/// without a thread: in the queue it is suspended, and the other lock is tried again and again, with growing pauses, until
/// the time is up. Several locks are taken in ascending order of their numbers, so nobody waits in a circle.
final class KeyLocks: Sendable {
    private static let shortestPause = Duration.microseconds(100)
    private static let longestPause = Duration.milliseconds(16)

    /// Locks that a task has.
    struct Held: Sendable {
        // One is all that most tasks have.
        fileprivate var first: UInt64?
        fileprivate var others: [UInt64] = []
        /// Those of them at which a commit was left half done.
        fileprivate(set) var marked: [UInt64] = []

        fileprivate mutating func append(_ slot: UInt64, isMarked: Bool) {
            if self.first == nil { self.first = slot } else { self.others.append(slot) }
            if isMarked { self.marked.append(slot) }
        }
    }

    let files: any SlotLocks
    private let queue = KeyQueue()

    init(_ files: any SlotLocks) {
        self.files = files
    }

    /// The number of the lock of a key.
    func slot(of key: String) -> UInt64 {
        var hash = ByteHash()
        hash.add(key.utf8)
        return self.files.slot(ofHash: hash.value)
    }

    /// How many tasks of the process wait in line for the key's lock.
    func waitingCount(_ key: String) -> Int { self.queue.waitingCount(self.slot(of: key)) }

    /// Returns whether the key's lock is among those that are held.
    func holds(_ held: Held, _ key: String) -> Bool {
        self.holds(held, self.slot(of: key))
    }

    /// Returns whether the lock is among those that are held.
    func holds(_ held: Held, _ slot: UInt64) -> Bool {
        if held.first == slot { return true }
        // In ascending order.
        var low = 0
        var high = held.others.count
        while low < high {
            let middle = (low + high) / 2
            if held.others[middle] < slot { low = middle + 1 } else { high = middle }
        }
        return low < held.others.count && held.others[low] == slot
    }

    /// Takes the key's lock if nobody has it or waits for it; `nil` if it has to be waited for, or the base folder was removed.
    func tryLock(_ key: String, isLong: Bool) throws(StorageError) -> Held? {
        let slot = self.slot(of: key)
        guard self.queue.tryLock(slot) else { return nil }
        var held = Held()
        do throws(SystemError) {
            let result = try self.files.tryLock(slot, .both)
            guard result == .taken || result == .takenMarked else {
                self.queue.unlock(slot)
                return nil
            }
            held.append(slot, isMarked: result == .takenMarked)
        } catch {
            self.queue.unlock(slot)
            throw Self.failure(error).naming(key)
        }
        if isLong { self.files.unlock(slot, .gate) }
        return held
    }

    /// Takes the locks of all the keys if nobody has one of them or waits for it.
    func tryLock(_ keys: [String]) throws(SystemError) -> Held? {
        var held = Held()
        for slot in Set(keys.map(self.slot)).sorted() {
            guard self.queue.tryLock(slot) else {
                self.unlock(held)
                return nil
            }
            do throws(SystemError) {
                let result = try self.files.tryLock(slot, .both)
                if result == .taken || result == .takenMarked {
                    held.append(slot, isMarked: result == .takenMarked)
                    continue
                }
                self.queue.unlock(slot)
                self.unlock(held)
                return nil
            } catch {
                self.queue.unlock(slot)
                self.unlock(held)
                throw error
            }
        }
        return held
    }

    /// Takes the locks of all the keys; `nil` if the base folder was removed.
    ///
    /// - Parameter limit: how long to wait for other processes. A wait in the process's own queue counts, but ends only with
    ///   its turn, which comes as soon as those before it are through.
    /// - Parameter isLong: whether the locks are going to be held for so long that another process is sure to wait.
    /// - Throws: `StorageError.Code.unavailable` if the time is up, `StorageError.Code.cancelled` if the task is cancelled
    ///   while it waits.
    func lock(_ keys: [String], for limit: Duration, isLong: Bool) async throws(StorageError) -> Held? {
        var slots = keys.map(self.slot)
        if slots.count > 1 { slots = Array(Set(slots)).sorted() }
        var held = Held()
        var start: ContinuousClock.Instant?
        for slot in slots {
            let result: SlotLockResult
            do throws(StorageError) {
                if !self.queue.tryLock(slot) {
                    start = start ?? .now
                    try await self.queue.lock(slot)
                }
                result = try await self.lockBetweenProcesses(slot, &start, limit, isLong)
            } catch {
                self.unlock(held)
                throw error.naming(keys[0])
            }
            guard result != .removed else {
                self.unlock(held)
                return nil
            }
            held.append(slot, isMarked: result == .takenMarked)
        }
        return held
    }

    func unlock(_ held: Held) {
        for slot in held.others.reversed() { self.unlock(slot) }
        if let first = held.first { self.unlock(first) }
    }

    private func unlock(_ slot: UInt64) {
        self.files.unlock(slot, .both)
        self.queue.unlock(slot)
    }

    /// Takes the lock for whoever is first in the queue, or leaves the queue; never answers that it is busy.
    private func lockBetweenProcesses(
        _ slot: UInt64, _ start: inout ContinuousClock.Instant?, _ limit: Duration, _ isLong: Bool
    ) async throws(StorageError) -> SlotLockResult {
        var hasGate = false
        var isTaken = false
        defer {
            if !isTaken {
                if hasGate { self.files.unlock(slot, .gate) }
                self.queue.unlock(slot)
            }
        }
        var pause = Self.shortestPause
        var end: ContinuousClock.Instant?
        while true {
            let result: SlotLockResult
            do throws(SystemError) {
                if end != nil, !hasGate {
                    // Who has waited needs the gate alone: it is free as soon as who has it has come through.
                    hasGate = try self.files.tryLock(slot, .gate) == .taken
                    if hasGate { pause = Self.shortestPause }
                }
                result = try end == nil || hasGate ? self.files.tryLock(slot, end == nil ? .both : .body) : .busy
            } catch {
                throw Self.failure(error)
            }
            switch result {
            case .taken, .takenMarked:
                isTaken = true
                if isLong { self.files.unlock(slot, .gate) }
                return result
            case .removed:
                return .removed
            case .busy:
                break
            }
            let now = ContinuousClock.now
            let last = end ?? (start ?? now).advanced(by: limit)
            if start == nil { start = now }
            end = last
            guard now < last else { throw Self.unavailable(limit) }
            // At random, so that those who wait don't come at the same time.
            let part = min(Double.random(in: 0.5...1) * (pause / .seconds(1)), now.duration(to: last) / .seconds(1))
            do { try await Task.sleep(for: .seconds(part)) } catch { throw Self.cancelled }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    static var cancelled: StorageError {
        StorageError(.cancelled, "the task was cancelled while it waited to change the item; nothing was changed")
    }

    private static func unavailable(_ limit: Duration) -> StorageError {
        let reason = "another process has kept the item's lock for \(limit)"
        return StorageError(
            .unavailable,
            "\(reason); nothing was changed. End or continue that process, or set a longer busyTimeout")
    }

    private static func failure(_ error: SystemError) -> StorageError {
        let name = PathMapping.lockName
        switch error.code {
        case System.noLocks:
            return StorageError(
                .notSupported, "\(error) (the file system has no locks between processes, which the store needs)",
                underlying: error)
        case System.noAccess:
            let advice = "it belongs to another user; share the store with them by fileMode and folderMode"
            return StorageError(
                .permissionDenied, "\(error) (\"\(name)\" in the store's folder can't be opened: \(advice))",
                underlying: error)
        default:
            return error.storageError(nil)
        }
    }
}
