import KVStorage
import Synchronization

/// Room on the disk that is kept for removing items when nothing else is left: the file `…-reserve` beside the database.
///
/// It is given back to the system before a removal on a full disk and taken again as soon as there is room. Drivers and
/// processes that have the database open share it; each holds a shared lock on it, and the last one to close removes it.
final class Reserve: Sendable {
    // Says to whoever looks into the file what it is for, and to the driver that it is its own.
    private static let label = Array(
        "KVStorage keeps this room so that items can be removed when the disk is full. It holds no data.\n".utf8
    )

    private let path: String
    private let bytes: Int
    // One at a time: the driver's thread, and whoever closes. `nil` without a reserve.
    private let file: Mutex<Int32?>

    /// Joins the reserve beside the database, or makes it; without one if the file can't be made or is somebody else's.
    init(database: String, bytes: Int, mode: UInt32) {
        self.path = database + "-reserve"
        self.bytes = bytes
        self.file = Mutex(bytes > 0 ? SQLitePlatform.joinFile(self.path, mode: mode, label: Self.label) : nil)
        self.make()
    }

    deinit { self.close(keeping: true) }

    /// Takes the room unless it is taken, and returns whether it is there.
    @discardableResult
    func make() -> Bool {
        self.file.withLock { file in
            guard let file else { return false }
            return SQLitePlatform.reserve(file, bytes: self.bytes, label: Self.label)
        }
    }

    /// Gives the room back to the system, for a removal.
    func release() {
        self.file.withLock { file in
            if let file { SQLitePlatform.truncate(file) }
        }
    }

    /// Lets go of the file; removes it if nobody else has it and the disk has much room: on one that is nearly full the
    /// next driver needs it for opening.
    func close() {
        let free = SQLitePlatform.freeBytes(at: self.path) ?? .max
        self.close(keeping: free / 64 < Int64(self.bytes))
    }

    /// Gives the room back beside a database that could not be opened for want of it; the next driver makes it again.
    static func release(beside database: String) {
        guard let file = SQLitePlatform.joinFile(database + "-reserve", mode: nil, label: self.label) else { return }
        SQLitePlatform.truncate(file)
        SQLitePlatform.close(file)
    }

    private func close(keeping isKept: Bool) {
        self.file.withLock { file in
            guard let open = file else { return }
            file = nil
            // What closing gave back, such as the index of the log, is what the next opening needs.
            if isKept {
                _ = SQLitePlatform.reserve(open, bytes: self.bytes, label: Self.label)
            } else {
                SQLitePlatform.removeIfUnshared(open, self.path)
            }
            SQLitePlatform.close(open)
        }
    }
}
