import KVStorage

/// Locks between processes, by number. Whoever holds one loses it with its process, however that ends.
///
/// Each lock has two parts. The body is what makes changes exclusive. The gate is held by the one that has the body next; so
/// a process that takes the body again and again does not shut out one that tries now and then.
///
/// There are few enough of them that a commit of any number of keys takes a bounded number, and that each can have a mark:
/// whoever has a lock sets it before the intent of a commit is written and clears it once the commit is carried out. So who
/// gets a lock that is marked knows that a commit was left half done; see ``Store/completeLeftovers(_:)``.
protocol SlotLocks: Sendable {
    /// The number of the lock that a key with this hash has.
    func slot(ofHash hash: UInt64) -> UInt64

    /// Takes the parts if nobody else has one of them; never waits.
    func tryLock(_ slot: UInt64, _ parts: SlotParts) throws(SystemError) -> SlotLockResult

    /// Sets the mark of a lock; whoever has it, or knows of a commit that was left, may do so.
    func mark(_ slot: UInt64) throws(SystemError)

    /// Clears the mark of a lock that the caller has.
    func unmark(_ slot: UInt64) throws(SystemError)

    /// Gives the parts back.
    func unlock(_ slot: UInt64, _ parts: SlotParts)

    /// Makes what the locks are on; does nothing if that is there.
    func prepare() throws(SystemError)

    /// Forgets what was opened, as the base folder is another one now.
    func reset()
}

enum SlotParts {
    case body
    case gate
    case both
}

enum SlotLockResult {
    case taken
    /// Taken as well, and it is marked.
    case takenMarked
    /// Somebody else has it.
    case busy
    /// What the locks are on can't be made, as the base folder was removed.
    case removed
}
