/// An open file or folder; closed, and any lock on it released, at the end of the scope that holds it.
struct FileHandle: ~Copyable {
    let raw: Int32
    private let isOwned: Bool

    init(owning raw: Int32) {
        self.raw = raw
        self.isOwned = true
    }

    /// A handle that somebody else keeps open for as long as this one is used.
    init(borrowing raw: Int32) {
        self.raw = raw
        self.isOwned = false
    }

    /// No handle.
    static var none: FileHandle { FileHandle(borrowing: -1) }

    var isNone: Bool { self.raw < 0 }

    deinit {
        if self.isOwned { System.close(self.raw) }
    }

    /// Gives the descriptor to the caller, who has to close it.
    consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }
}
