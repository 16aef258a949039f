import KVStorage

extension Store {
    /// Where an item stands or would stand.
    struct Place: ~Copyable {
        /// The folder, or none if it is missing.
        var folder: FileHandle
        var folderPath: String
        var name: String
        /// The item's file, or none if it is absent.
        var file: FileHandle
        /// What the file is; `nil` if the item is absent.
        var status: FileStatus?
        var isForeign = false
    }

    /// Reads the item; one whose footer is damaged counts as plain for those who don't need its value, so that it can be
    /// replaced and removed.
    func loadForChange(
        _ file: Int32, _ status: FileStatus, _ key: String, loadsValue: Bool
    ) throws(StorageError) -> StoredItem {
        do {
            return try self.load(file, status, key, loadsValue: loadsValue)
        } catch {
            guard error.code == .corrupted, !loadsValue else { throw error }
            return StoredItem(record: ItemRecord(plain: status.size), status: status)
        }
    }

    func locate(_ path: String, _ key: String) throws(StorageError) -> Place {
        let (folderPath, name) = Self.split(path)
        guard let folder = try self.open(System.folderFlags, folderPath, key) else {
            return Place(folder: .none, folderPath: folderPath, name: name, file: .none)
        }
        return try self.locate(path, name, in: folder, folderPath, key)
    }

    /// Finds an item, whose folder is open.
    func locate(
        _ path: String, _ name: String, in folder: consuming FileHandle, _ folderPath: String, _ key: String
    ) throws(StorageError) -> Place {
        do {
            let file = try System.openEntry(folder.raw, name)
            let status = try FileStatus.of(file.raw)
            switch status.kind {
            case .file:
                return Place(folder: folder, folderPath: folderPath, name: name, file: file, status: status)
            case .other:
                return Place(folder: folder, folderPath: folderPath, name: name, file: .none, isForeign: true)
            case .folder:
                return try self.locate(in: file, path)
            }
        } catch {
            guard error.meansAbsent else { throw error.storageError(key) }
            let isForeign = error.kind != .notFound
            return Place(folder: folder, folderPath: folderPath, name: name, file: .none, isForeign: isForeign)
        }
    }

    /// Finds the item of a folder in it.
    private func locate(in folder: consuming FileHandle, _ path: String) throws(SystemError) -> Place {
        let name = PathMapping.folderItemName
        do {
            let file = try System.openEntry(folder.raw, name)
            let status = try FileStatus.of(file.raw)
            guard status.kind == .file else {
                return Place(folder: folder, folderPath: path, name: name, file: .none, isForeign: true)
            }
            return Place(folder: folder, folderPath: path, name: name, file: file, status: status)
        } catch {
            guard error.meansAbsent else { throw error }
            return Place(folder: folder, folderPath: path, name: name, file: .none, isForeign: error.kind != .notFound)
        }
    }
}
