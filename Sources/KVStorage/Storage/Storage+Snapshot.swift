extension Storage {
    /// Reads all items below a base with their deadlines and metadata.
    ///
    /// Each item is of one write, not all of the same moment. Holds all of them in memory; for more than that, see
    /// ``streamSnapshot(_:)`` and ``copy(_:to:resuming:progress:)``. Costs a listing and one read for each 500 items. A task
    /// that is cancelled ends it at the next page.
    /// - Throws: ``StorageError/Code/cancelled``; else as ``getKeys(_:maxDepth:)``.
    public func snapshot(_ base: String = "") async throws(StorageError) -> Snapshot {
        var snapshot = Snapshot()
        var pages = try StorePage(try self.branch(base))
        while let items = try await pages.next() { snapshot.items += items }
        return snapshot
    }

    /// Returns the file of a snapshot of all items below a base, a block at a time, to be written wherever it is to be kept.
    ///
    ///     for try await block in storage.streamSnapshot("users") { try file.write(contentsOf: block) }
    ///
    /// Holds one page of items in memory. A file that was not written to its end is refused when it is read.
    public func streamSnapshot(_ base: String = "") -> SnapshotSequence {
        SnapshotSequence(storage: self, base: base)
    }

    /// Writes the items of a snapshot below a base, replacing items of the same keys and leaving all others.
    ///
    /// Items keep their deadlines; one whose deadline has come is absent. Costs one write for each 500 items or 8 MiB. A
    /// task that is cancelled ends it at the next page.
    /// - Throws: ``StorageError/Code/invalidKey`` for a key that can't be one, before anything is written;
    ///   ``StorageError/Code/partlyDone`` if it ends early after some were written.
    public func restoreSnapshot(_ snapshot: Snapshot, to base: String = "") async throws(StorageError) {
        let target = try self.branch(base)
        for item in snapshot.items { _ = try target.route(item.key) }
        var written = 0
        while written < snapshot.items.count {
            let page = Array(snapshot.items[written...].prefix(StorePage.itemCount))
            try await target.write(page, after: &written)
        }
    }

    /// Reads the file of a snapshot as it comes in, and writes its items below a base, block by block.
    ///
    /// Each block is compared with its checksum before any of it is written. All else is as with
    /// ``restoreSnapshot(_:to:)``, but that keys are looked at block by block.
    /// - Throws: ``StorageError/Code/incompatibleFormat`` if it is no snapshot, or of a later version;
    ///   ``StorageError/Code/corrupted`` if it is damaged or ends early, ``StorageError/Code/partlyDone`` if blocks before
    ///   that were written; what the sequence throws, unchanged.
    public func restoreSnapshot<Bytes: AsyncSequence>(from file: Bytes, to base: String = "") async throws
    where Bytes.Element: Sequence<UInt8> {
        let target = try self.branch(base)
        var reader = SnapshotReader()
        var written = 0
        for try await bytes in file {
            reader.append(bytes)
            do throws(StorageError) {
                while let items = try reader.next() {
                    for item in items { _ = try target.route(item.key) }
                    if !items.isEmpty { try await target.write(items, after: &written) }
                }
            } catch { throw error.afterPart("\(written) items were written", isDone: written > 0) }
        }
        do throws(StorageError) { try reader.finish() } catch {
            throw error.afterPart("\(written) items were written", isDone: written > 0)
        }
    }

    /// Copies the items below a base to another storage, with their deadlines and metadata, and returns how many.
    ///
    /// Keys there are relative to the base. Items of the same keys are replaced, all others stay. Holds one page of items in
    /// memory; costs one read and one write for each page of 500 items or 8 MiB, each written as one step where the target
    /// can. A task that is cancelled ends it within a page.
    ///
    /// `progress` is called after each page that was written. A copy that ended early goes on from a
    /// ``CopyProgress/cursor`` of it, given as `resuming`; over a driver without ordered keys some items may be copied again.
    /// - Throws: ``StorageError/Code/invalidOption`` if what is written would be read again, as the target lies in the base
    ///   itself or its driver in one that is read, or if `resuming` is no cursor of this copy;
    ///   ``StorageError/Code/partlyDone`` if it ends early after some items were copied.
    @discardableResult
    public func copy(
        _ base: String = "",
        to target: Storage,
        resuming cursor: String? = nil,
        progress: (CopyProgress) -> Void = { _ in }
    ) async throws(StorageError) -> Int {
        let source = try self.branch(base)
        try source.requireApart(from: target)
        var pages = try StorePage(source, after: cursor)
        var copied = 0
        do throws(StorageError) {
            while let items = try await pages.next() {
                if items.isEmpty { continue }
                try await target.write(items)
                copied += items.count
                progress(CopyProgress(copied: copied, cursor: pages.cursor))
            }
            return copied
        } catch { throw error.afterPart("\(copied) items were copied", isDone: copied > 0) }
    }

    /// Returns the view of a base, which has to be one.
    func branch(_ base: String) throws(StorageError) -> Storage {
        _ = try self.fullBase(base)
        try self.core.checkOpen()
        return self.prefixed(base)
    }

    private func write(_ items: [Snapshot.Item], after written: inout Int) async throws(StorageError) {
        do throws(StorageError) {
            if written > 0, Task.isCancelled { throw StorageError(.cancelled, "the task was cancelled") }
            try await self.write(items)
        } catch { throw error.afterPart("\(written) items were written", isDone: written > 0) }
        written += items.count
    }
}

/// How far a ``Storage/copy(_:to:resuming:progress:)`` has come.
public struct CopyProgress: Sendable, Hashable {
    /// How many items this call has copied.
    public let copied: Int
    /// Where a copy that begins anew can go on; `nil` where none can, and at the end.
    public let cursor: String?
}
