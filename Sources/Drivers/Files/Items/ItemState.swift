import KVStorage

/// An item as the mutations of a batch or commit see it, one after the other, and what has to be done with its file in the end.
struct ItemState {
    private enum Step {
        case nothing
        case write
        case remove
    }

    private(set) var isThere: Bool
    /// Whether it was there before all mutations.
    let wasThere: Bool
    private var value: [UInt8]?
    private(set) var deadline: Timestamp?
    private var fields: [UInt8]?
    private var modified: Timestamp?
    private var step = Step.nothing
    private let now: Timestamp
    /// What the clock shows, if it is not the one that the file system notes by itself.
    private let writeTime: Timestamp?

    /// Begins with the item as it is; `nil` if it is absent or expired.
    init(_ current: StoredItem?, at now: Timestamp, hasSystemClock: Bool) {
        self.isThere = current != nil
        self.wasThere = current != nil
        self.value = current?.value
        self.deadline = current?.record.deadline
        self.fields = current?.record.fields
        self.modified = current?.status.modified
        self.now = now
        self.writeTime = hasSystemClock ? nil : now
    }

    /// Whether the mutation can't do without the item's value, which was not loaded.
    func needsValue(for mutation: Mutation) -> Bool {
        guard case .touch(_, let ttl) = mutation else { return false }
        return self.isThere && !ttl.keepsDeadline && self.value == nil
    }

    /// Adds what ``needsValue(for:)`` asked for.
    mutating func add(value: [UInt8]) { self.value = value }

    /// Applies a mutation and returns whether the item was there before it.
    mutating func apply(_ mutation: Mutation) -> Bool {
        let wasThere = self.isThere
        switch mutation {
        case .set(_, let value, let options, let change):
            if !options.keepsDeadline || !wasThere { self.deadline = options.deadline(at: self.now) }
            switch change {
            case .keep: if !wasThere { self.fields = nil }
            case .replace(let bytes): self.fields = bytes
            }
            self.value = value
            self.modified = self.writeTime
            self.step = .write
        case .remove:
            self = ItemState(removed: self)
        case .touch(_, let ttl):
            guard wasThere, !ttl.keepsDeadline else { return wasThere }
            self.deadline = ttl.deadline(at: self.now)
            self.step = .write
        }
        // A deadline that has come already: whoever comes next finds nothing.
        self.isThere = self.step == .write && (self.deadline.map { $0 > self.now } ?? true)
        return wasThere
    }

    private init(removed other: ItemState) {
        self.isThere = false
        self.wasThere = other.wasThere
        self.now = other.now
        self.writeTime = other.writeTime
        self.step = .remove
    }

    /// What is to be done with the item's file.
    var change: Change {
        switch self.step {
        case .nothing: .nothing
        case .remove: .remove
        case .write:
            .write(self.value ?? [], deadline: self.deadline, fields: self.fields, modified: self.modified)
        }
    }
}
