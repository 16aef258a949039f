import KVStorage

/// What a change does with an item.
enum Change: Sendable {
    case nothing
    /// Without a time of writing the file has the one that the system gives it.
    case write([UInt8], deadline: Timestamp?, fields: [UInt8]?, modified: Timestamp?)
    case remove
    /// Removes the item if it has expired, and the note of a deadline unless it is that of an item that lives.
    case expire(DeadlineIndex.Entry)
}

/// What became of a change.
struct ChangeOutcome<Result: Sendable>: Sendable {
    /// What the body answered.
    let result: Result
    /// The deadline that the item was written with.
    var deadline: Timestamp?
    /// What happened after the change was made: it is there, but may not survive a power loss.
    var failure: StorageError?
}

/// What a try at a change has led to.
enum Attempt<Result: Sendable>: Sendable {
    /// It is made. What is left is to flush the folder, and to emit the event.
    case done(ChangeOutcome<Result>, flush: OpenFolder? = nil, event: StorageEvent? = nil)
    /// An item stands where a folder has to be, and its key has to be locked as well before it may be moved.
    case alsoLock(String)
    /// The base folder was removed or is another one by now.
    case startOver
}

/// What is in the way of making a folder.
enum Obstacle {
    case item(String)
    case removedBase
}
