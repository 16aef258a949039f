import KVStorage
import Synchronization

/// What becomes of a store whose folder is removed, or replaced by another.
extension Store {
    /// How often it is looked at whether the path leads to another folder, in milliseconds.
    private static let lookInterval: Int64 = 1000

    /// Goes over to another folder if the path leads to one by now. Looks at most once a second.
    func look() throws(StorageError) {
        let now = System.coarseMilliseconds
        let last = self.folder.lookTime.load(ordering: .relaxed)
        guard now - last >= Self.lookInterval else { return }
        let isMine = self.folder.lookTime.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
        // A path that leads nowhere may do so between two renames that swap the folder.
        guard isMine, let status = try? FileStatus.of(path: self.path), status.kind == .folder,
            let base = try? FileStatus.of(self.base), base.identity != status.identity
        else { return }
        _ = try self.renewBase(makes: false)
    }

    /// Whether the folder was removed and there is another by now, so that what was not found has to be looked for again.
    func isBaseRenewed() throws(StorageError) -> Bool {
        guard self.folder.isRemoved else { return false }
        return try self.renewBase(makes: false)
    }

    /// Goes over to the folder that the path leads to, as opening the store would; `false` if there is none.
    ///
    /// - Throws: `StorageError.Code.unavailable` if there is none and the store is read-only.
    func renewBase(makes: Bool) throws(StorageError) -> Bool {
        try self.folder.renew { () throws(StorageError) -> FileHandle? in
            do throws(StorageError) {
                return try Self.openBase(self.path, self.configuration, makes: makes)
            } catch {
                // What a writable store holds is nothing, until somebody writes.
                if error.code == .unavailable, !self.configuration.readOnly { return nil }
                throw error
            }
        }
    }
}
