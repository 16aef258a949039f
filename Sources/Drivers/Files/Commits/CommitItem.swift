import KVStorage

/// What a commit does with one item, and where that stands.
struct CommitItem {
    let key: String
    let path: String
    /// The item as it is, also if it has expired.
    let current: StoredItem?
    /// Whether it stands in the folder of its name.
    var isInside: Bool
    var state: ItemState
    /// Whether it is removed without another name of its file.
    var isRemovedByName = false

    var folderPath: String { self.isInside ? self.path : Store.split(self.path).folder }
    var name: String { self.isInside ? PathMapping.folderItemName : Store.split(self.path).name }

    /// The deadline that the item is written with.
    var deadline: Timestamp? {
        guard case .write(_, let deadline, _, _) = self.state.change else { return nil }
        return deadline
    }

    /// Whether anything is to be done with its file.
    var isChanged: Bool {
        switch self.state.change {
        case .nothing, .expire: false
        case .remove: self.current != nil
        case .write: true
        }
    }

    var event: StorageEvent {
        if case .write = self.state.change { return .update(self.key) }
        return .remove(self.key, self.state.wasThere ? .removed : .expired)
    }
}

/// What became of a commit.
struct CommitResult: Sendable {
    var outcome: CommitOutcome
    var events: [StorageEvent] = []
    /// The earliest deadline that was written.
    var deadline: Timestamp?
    /// What happened after the commit was decided.
    var failure: StorageError?
}

/// What a try at a commit has led to.
enum CommitAttempt: Sendable {
    case done(CommitResult)
    case interrupted(CommitInterruption)
}

/// Why a commit has to be tried again; nothing was changed.
enum CommitInterruption: Sendable {
    /// What was found is not there any more.
    case retry
    /// An item stands where a folder has to be, and its key has to be locked as well before it may be moved.
    case alsoLock(String)
    /// The base folder was removed or is another one by now.
    case startOver
}
