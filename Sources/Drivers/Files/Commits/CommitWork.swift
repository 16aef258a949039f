import KVStorage

/// One try at writing the items of a commit, whose locks are held; on one thread.
///
/// Up to the moment in which the intent gets its name everything can be undone, and is if anything fails.
final class CommitWork {
    let store: Store
    let folders: CommitFolders
    private let held: KeyLocks.Held
    private let epoch: Int
    private(set) var items: [CommitItem]
    /// What happened after the commit was decided.
    private(set) var failure: StorageError?
    private var intent: CommitIntent?
    /// What has to be taken back if the commit is not decided.
    private var notedDeadlines: [(key: String, deadline: Timestamp)] = []
    private var preparedCount = 0
    private var done: [CommitItem] = []

    init(
        _ store: Store, _ items: [CommitItem], _ held: KeyLocks.Held, _ folders: CommitFolders, _ epoch: Int
    ) {
        self.store = store
        self.held = held
        self.folders = folders
        self.epoch = epoch
        // In the order of the locks, so that all who watch see the same order.
        self.items = items.map { (item: $0, slot: store.locks.slot(of: $0.key)) }.sorted { $0.slot < $1.slot }.map(
            \.item)
    }

    /// What has changed.
    var events: [StorageEvent] { self.done.map(\.event) }

    /// Writes everything; returns why it has to be tried again if nothing was changed.
    func run() throws(StorageError) -> CommitInterruption? {
        let interruption: CommitInterruption?
        do throws(StorageError) {
            interruption = try self.prepare()
        } catch {
            self.undo()
            throw error
        }
        if interruption != nil { self.undo() }
        return interruption
    }

    private func prepare() throws(StorageError) -> CommitInterruption? {
        if let interruption = try self.makeFolders() { return interruption }
        if let interruption = try self.noteDeadlines() { return interruption }
        if self.items.count == 1 { return try self.writeOne() }
        let opening = try CommitIntent.open(self.store, self.held, self.items[0].key)
        guard let intent = opening.intent else { return opening.interruption }
        self.intent = intent
        if let interruption = try self.prepareParts(intent) { return interruption }
        guard self.store.folder.epoch == self.epoch, !self.store.folder.isRemoved else { return .startOver }
        let slots = Set(self.items.map { self.store.locks.slot(of: $0.key) }).sorted()
        guard try intent.decide(intent.record(self.items), slots) else { return .retry }
        self.finish(intent, slots)
        return nil
    }

    // MARK: - Before

    private func makeFolders() throws(StorageError) -> CommitInterruption? {
        var made: Set<KeyIdentity> = []
        for item in self.items {
            guard case .write = item.state.change else { continue }
            let path = item.folderPath
            if try self.folders.open(path, item.key) == nil {
                var obstacle: Obstacle?
                guard let folder = try self.store.makeFolder(path, item.key, self.held, &obstacle) else {
                    if case .item(let other) = obstacle { return .alsoLock(other) }
                    return .startOver
                }
                self.folders.insert(path, folder)
                var above = path
                while !above.isEmpty, made.insert(KeyIdentity(above)).inserted { above = Store.split(above).folder }
            }
            self.store.watcher.adoptIfUnknown(path)
            guard self.store.isDurable, let folder = try self.folders.open(path, item.key) else { continue }
            guard try self.store.makeDurable(path, folder.raw, item.key) else { return .retry }
        }
        // An item whose name is a folder's now stands in it, or will.
        for index in self.items.indices where made.contains(KeyIdentity(self.items[index].path)) {
            self.items[index].isInside = true
        }
        return nil
    }

    /// Notes the deadlines that the items are going to have.
    private func noteDeadlines() throws(StorageError) -> CommitInterruption? {
        for item in self.items {
            guard let deadline = item.deadline, deadline != item.current?.record.deadline else { continue }
            var obstacle: Obstacle?
            try self.store.index.add(item.key, deadline, self.held, &obstacle)
            if obstacle != nil { return .startOver }
            self.notedDeadlines.append((item.key, deadline))
        }
        return nil
    }

    /// Prepares beside each item what takes its place, or another name for what is removed.
    private func prepareParts(_ intent: CommitIntent) throws(StorageError) -> CommitInterruption? {
        for (number, item) in self.items.enumerated() {
            guard let folder = try self.folders.open(item.folderPath, item.key) else { return .retry }
            self.preparedCount = number + 1
            let temporary = TemporaryName.part(number, of: intent.id)
            do throws(SystemError) {
                if case .write(let value, let deadline, let fields, let modified) = item.state.change {
                    let bytes = ItemRecord.encode(value, deadline: deadline, fields: fields)
                    try self.store.writeTemporary(
                        temporary, in: folder.raw, bytes, modified: modified, over: item.current?.status,
                        isLocked: false)
                } else {
                    do throws(SystemError) { try System.link(folder.raw, item.name, to: folder.raw, temporary) } catch {
                        guard System.lacksLinks(error) else { throw error }
                        _ = try System.create(folder.raw, temporary, 0o600)
                        self.items[number].isRemovedByName = true
                    }
                }
            } catch {
                if error.kind == .notFound { return .retry }
                throw error.storageError(item.key)
            }
        }
        if self.store.isDurable { try self.folders.flush(self.items.map(\.folderPath), self.items[0].key) }
        return nil
    }

    private func undo() {
        for (number, item) in self.items.prefix(self.preparedCount).enumerated() {
            guard let intent, let folder = try? self.folders.open(item.folderPath, item.key) else { continue }
            self.store.removeTemporary(folder.raw, TemporaryName.part(number, of: intent.id))
        }
        self.intent?.withdraw()
        for (key, deadline) in self.notedDeadlines { self.store.index.remove(key, deadline) }
        for item in self.items where item.current == nil { self.store.prune(item.folderPath) }
    }

    // MARK: - Afterwards

    private func finish(_ intent: CommitIntent, _ slots: [UInt64]) {
        self.failure = intent.failure
        var changed: [String] = []
        var undone: StorageError?
        for (number, part) in intent.record(self.items).parts.enumerated() {
            do throws(StorageError) {
                _ = try self.store.carryOut(part, number, of: intent.id, isOwn: true, self.folders, &changed)
                self.done.append(self.items[number])
            } catch {
                undone = undone ?? error
            }
        }
        do throws(StorageError) {
            if self.store.isDurable { try self.folders.flush(changed, self.items[0].key) }
            if undone == nil { try intent.remove(slots) }
        } catch {
            undone = undone ?? error
        }
        if let undone { self.failure = Self.undone(undone) }
        for item in self.done {
            if let old = item.current?.record.deadline, old != item.deadline { self.store.index.remove(item.key, old) }
        }
    }

    private static func undone(_ failure: StorageError) -> StorageError {
        let consequence = "the commit holds, but has not been carried out on all of its items"
        return StorageError(
            .inputOutput,
            "\(failure.message) (\(consequence): the next write to one of them completes that; don't repeat the call)",
            key: failure.key, underlying: failure)
    }

    /// Writes the only item that changes: a rename is a commit by itself.
    private func writeOne() throws(StorageError) -> CommitInterruption? {
        let item = self.items[0]
        let place = try self.store.locate(item.path, item.key)
        switch item.state.change {
        case .write(let value, let deadline, let fields, let modified):
            guard (place.status == nil) == (item.current == nil), !place.folder.isNone else { return .retry }
            let bytes = ItemRecord.encode(value, deadline: deadline, fields: fields)
            guard try self.store.write(place, bytes, modified, item.current?.status, item.key) else { return .retry }
            if let old = item.current?.record.deadline, old != deadline { self.store.index.remove(item.key, old) }
            self.flush(place.folder.raw, item.key)
        case .remove:
            guard let folder = try self.store.remove(place, item.current, item.key) else { return .retry }
            self.flush(folder.raw, item.key)
        case .nothing, .expire:
            break
        }
        self.done = [item]
        return nil
    }

    private func flush(_ folder: Int32, _ key: String) {
        guard self.store.isDurable else { return }
        do { try System.synchronize(folder) } catch { self.failure = Store.unflushed(error, key) }
    }
}
