import KVStorage

extension FileStore {
    /// Returns one page of keys; expired items count as keys unless they have been removed before.
    ///
    /// The cursor says where in which folders the walk stands, so that nothing is kept between two pages, and a page costs what
    /// it holds. Positions in folders are the file system's (see ``FolderReader/Entry/next``).
    func keys(_ query: KeyQuery, without hidden: [String]) throws(StorageError) -> KeyPage {
        let base = self.mapping.folderPath(ofBase: query.base)
        guard base.utf8.count < 4096 else { return KeyPage(keys: []) }
        var walk = Walk(store: self, query: query, hidden: hidden)
        try walk.start(base)
        return try walk.page()
    }
}

/// A walk over folders: what is above is half read, what is below comes next.
private struct Walk: ~Copyable {
    private struct Frame {
        let reader: ReaderBox
        let branch: PathMapping.Branch
        let name: String
        var next: Int
    }

    /// Keeps a reader, which can't be copied, in an array.
    private final class ReaderBox {
        let reader: FolderReader
        init(_ reader: consuming FolderReader) { self.reader = reader }
    }

    private let store: FileStore
    private let query: KeyQuery
    private let hidden: [String]
    private var frames: [Frame] = []
    private var keys: [String] = []

    init(store: FileStore, query: KeyQuery, hidden: [String]) {
        self.store = store
        self.query = query
        self.hidden = hidden
    }

    /// Opens the base, and the folders that the cursor names, each where the previous page ended.
    mutating func start(_ base: String) throws(StorageError) {
        guard let opened = try self.store.open(System.folderFlags, base, nil) else { return }
        var steps = self.query.cursor?.split(separator: "/").map(String.init) ?? ["0"]
        guard let first = steps.first, let offset = Int(first) else {
            throw StorageError(.invalidOption, "the cursor is none of this driver; list from the start")
        }
        steps.removeFirst()
        do throws(SystemError) {
            // Another handle: the position in the folder belongs to it.
            try self.push(try System.reopen(opened.raw), .init(base: self.query.base), "", offset)
            while steps.count >= 2, let offset = Int(steps[1]), let top = self.frames.last {
                let name = steps[0]
                steps.removeFirst(2)
                guard let branch = self.store.mapping.branch(of: name, in: top.branch) else { return }
                do { try self.push(try System.openFolder(top.reader.reader.raw, name), branch, name, offset) } catch {
                    // Gone, so its keys are too; the walk goes on after it.
                    if error.meansAbsent { return }
                    throw error
                }
            }
        } catch {
            throw error.storageError(nil)
        }
    }

    private mutating func push(
        _ folder: consuming FileHandle, _ branch: PathMapping.Branch, _ name: String, _ offset: Int
    ) throws(SystemError) {
        let reader = ReaderBox(try FolderReader(folder, from: offset))
        self.frames.append(Frame(reader: reader, branch: branch, name: name, next: offset))
    }

    mutating func page() throws(StorageError) -> KeyPage {
        // Names that are no keys must not make a page endless.
        var remaining = max(1, self.query.limit) + 10_000
        while let top = self.frames.last {
            guard self.keys.count < max(1, self.query.limit), remaining > 0 else {
                return KeyPage(keys: self.keys, cursor: self.cursor)
            }
            remaining -= 1
            let path = top.branch.prefix
            do throws(SystemError) {
                guard let entry = try top.reader.reader.next() else {
                    self.frames.removeLast()
                    continue
                }
                self.frames[self.frames.count - 1].next = entry.next
                switch entry.kind {
                case .file: self.addItem(entry.name, top.branch)
                case .folder: try self.enter(entry.name, top)
                case .other: break
                }
            } catch {
                if error.meansAbsent { continue }
                throw error.storageError(path.isEmpty ? nil : path)
            }
        }
        return KeyPage(keys: self.keys)
    }

    private mutating func addItem(_ name: String, _ branch: PathMapping.Branch) {
        guard let key = self.store.mapping.key(of: name, in: branch), self.query.matches(key),
            !self.store.ignored.matches(key), !self.hidden.contains(where: { keysEqual($0, key) })
        else { return }
        self.keys.append(key)
    }

    private mutating func enter(_ name: String, _ top: Frame) throws(SystemError) {
        guard let branch = self.store.mapping.branch(of: name, in: top.branch) else { return }
        if let key = branch.key, self.store.ignored.matches(key) { return }
        let folder = try System.openFolder(top.reader.reader.raw, name)
        guard let maxDepth = self.query.maxDepth, branch.depth > maxDepth else {
            return try self.push(folder, branch, name, 0)
        }
        // All keys below are too deep, but the folder may be an item as well.
        if try FileStatus.of(folder.raw, PathMapping.folderItemName).kind == .file {
            self.addItem(PathMapping.folderItemName, branch)
        }
    }

    private var cursor: String {
        self.frames.map { $0.name.isEmpty ? "\($0.next)" : "/\($0.name)/\($0.next)" }.joined()
    }
}
