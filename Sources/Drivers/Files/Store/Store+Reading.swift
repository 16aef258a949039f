import KVStorage

/// An item as its file says.
struct StoredItem {
    /// The value, if it was asked for.
    var value: [UInt8]?
    var record: ItemRecord
    var status: FileStatus
}

extension Store {
    /// Returns the item, or `nil` if it is absent or expired.
    ///
    /// At every moment one path names an item: a file is the item itself, and a folder, which takes a file's place in one
    /// step, holds it under a name of its own. So who finds nothing looked at a moment when there was nothing.
    func item(_ key: String, loadsValue: Bool) throws(StorageError) -> StoredItem? {
        let path = try self.mapping.path(of: key)
        if self.ignored.matches(key) { return nil }
        guard let file = try self.openForReading(System.readFlags, path, key),
            let item = try self.load(file.raw, key, loadsValue: loadsValue),
            !item.record.isExpired(self.configuration.clock.now)
        else { return nil }
        return item
    }

    /// Opens a path without following links, in the folder that the base is by now; `nil` if nothing that could be meant is
    /// there.
    func openForReading(_ flags: Int32, _ path: String, _ key: String?) throws(StorageError) -> FileHandle? {
        if !path.isEmpty, let file = try self.open(flags, path, key) { return file }
        // Nothing is found in a folder that was removed.
        guard try self.isBaseRenewed() || path.isEmpty else { return nil }
        return try self.open(flags, path, key)
    }

    /// Opens a path without following links; `nil` if nothing that could be meant is there.
    func open(_ flags: Int32, _ path: String, _ key: String?) throws(StorageError) -> FileHandle? {
        if path.isEmpty { return FileHandle(borrowing: self.base) }
        do {
            return try System.openBeneath(self.base, path, flags)
        } catch {
            if error.meansAbsent { return nil }
            throw error.storageError(key)
        }
    }

    /// Opens a folder to list it; `nil` if it is missing, or if it is another user's who lets nobody see what is in it, such
    /// as `lost+found`: what the store holds is not in there.
    func openListed(_ path: String, _ key: String?) throws(StorageError) -> FileHandle? {
        do throws(StorageError) {
            return try self.openForReading(System.folderFlags, path, key)
        } catch {
            if error.code == .permissionDenied, System.isForeign(self.base, path) { return nil }
            throw error
        }
    }

    /// Opens a name in a folder; `nil` if nothing that could be meant is there.
    func open(_ name: String, in folder: Int32, _ key: String?) throws(StorageError) -> FileHandle? {
        do {
            return try System.openEntry(folder, name)
        } catch {
            if error.meansAbsent { return nil }
            throw error.storageError(key)
        }
    }

    /// Reads the item that is the open file or is in the open folder; `nil` if there is none.
    func load(
        _ file: Int32, _ key: String, loadsValue: Bool
    ) throws(StorageError) -> StoredItem? {
        let status = try self.status(file, key)
        switch status.kind {
        case .file:
            return try self.load(file, status, key, loadsValue: loadsValue)
        case .folder:
            guard let own = try self.open(PathMapping.folderItemName, in: file, key) else { return nil }
            let status = try self.status(own.raw, key)
            guard status.kind == .file else { return nil }
            return try self.load(own.raw, status, key, loadsValue: loadsValue)
        case .other:
            return nil
        }
    }

    /// Reads the item that is the open file.
    func load(
        _ file: Int32, _ status: FileStatus, _ key: String, loadsValue: Bool
    ) throws(StorageError) -> StoredItem {
        do {
            if loadsValue {
                var bytes = try self.read(file, status.size, at: 0, key)
                // The file may have been cut since it was looked at, by a program that writes in place.
                let size = bytes.count
                guard let footer = try ItemRecord.footer(of: bytes, size: size) else {
                    return StoredItem(value: bytes, record: ItemRecord(plain: size), status: status)
                }
                let fields = footer.fieldsCount.map { Array(bytes.dropLast(ItemRecord.footerCount).suffix($0)) }
                let record = try ItemRecord(footer, size: size, fields: fields)
                bytes.removeLast(footer.count)
                return StoredItem(value: bytes, record: record, status: status)
            }
            let tailStart = max(0, status.size - ItemRecord.footerCount)
            let tail = try self.read(file, status.size - tailStart, at: tailStart, key)
            guard let footer = try ItemRecord.footer(of: tail, size: status.size) else {
                return StoredItem(record: ItemRecord(plain: status.size), status: status)
            }
            var fields: [UInt8]?
            if let count = footer.fieldsCount {
                fields = try self.read(file, count, at: tailStart - count, key)
            }
            return StoredItem(record: try ItemRecord(footer, size: status.size, fields: fields), status: status)
        } catch {
            throw error.naming(key)
        }
    }

    func status(_ file: Int32, _ key: String?) throws(StorageError) -> FileStatus {
        do { return try FileStatus.of(file) } catch { throw error.storageError(key) }
    }

    private func read(_ file: Int32, _ count: Int, at offset: Int, _ key: String) throws(StorageError) -> [UInt8] {
        do { return try System.read(file, count: count, at: offset) } catch { throw error.storageError(key) }
    }
}

extension SystemError {
    /// Whether the error tells that the path names no file, and nothing that could be an item.
    var meansAbsent: Bool {
        switch self.kind {
        case .notFound, .notAFolder, .symbolicLink, .notAFile: true
        case .exists, .isAFolder, .other: false
        }
    }
}
