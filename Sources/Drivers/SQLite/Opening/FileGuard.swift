import KVStorage
import Synchronization

/// Notices that the path leads to another file than the one that was opened, or that the file has a second name.
///
/// What is written into a file that was deleted or replaced is gone with the process, and two processes that open a file
/// under two names have a log each and destroy it (sqlite.org/howtocorrupt.html, 2.3 and 2.4).
final class FileGuard: Sendable {
    private enum State: UInt8 {
        case whole, moved, linked
    }

    let path: String
    private let identity: SQLitePlatform.Identity?
    private let state = Atomic<UInt8>(State.whole.rawValue)

    /// Takes the file that the path leads to now for the right one.
    init(path: String) {
        self.path = path
        self.identity = SQLitePlatform.identity(of: path)
    }

    /// What is to be thrown for as long as something is wrong.
    var error: StorageError? {
        switch State(rawValue: self.state.load(ordering: .acquiring)) {
        case .moved: Self.movedError(self.path)
        case .linked: Self.linkedError(self.path)
        case .whole, nil: nil
        }
    }

    /// Looks at the path again.
    func look(hasMoved: Bool = false) {
        let now = SQLitePlatform.identity(of: self.path)
        let state: State =
            if let now, let identity, !hasMoved, now.isSameFile(as: identity) {
                now.linkCount > 1 ? .linked : .whole
            } else {
                .moved
            }
        self.state.store(state.rawValue, ordering: .releasing)
    }

    private static func movedError(_ path: String) -> StorageError {
        StorageError(
            .unavailable,
            """
            "\(path)" was deleted, moved or replaced while it was open; what was written since may be lost: put it back, or \
            dispose the driver and open it again (dispose before restoring a backup)
            """
        )
    }

    static func linkedError(_ path: String) -> StorageError {
        StorageError(
            .unavailable,
            """
            "\(path)" has more than one name (hard links), under which SQLite would damage it; copy the file, or remove the \
            other names
            """
        )
    }
}
