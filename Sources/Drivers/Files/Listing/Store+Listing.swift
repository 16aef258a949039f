import KVStorage

extension Store {
    /// Returns one page of keys; expired items count as keys unless they have been removed before.
    ///
    /// Folders are walked in the order of their names' bytes, whatever order the file system has: so the name that the walk
    /// has come to says what is still to come, also when names come and go meanwhile, or a written file changes its place.
    /// The cursor is the path of that name.
    func keys(_ query: KeyQuery, without hidden: [String]) throws(StorageError) -> KeyPage {
        var walk = Walk(store: self, query: query, hidden: hidden)
        if let frames = self.listings.take(query) {
            walk.resume(frames)
        } else {
            try walk.start()
        }
        let page = try walk.page()
        if let cursor = page.cursor { self.listings.put(query, cursor, walk.frames) }
        return page
    }
}

/// A walk over folders: what is above is half done, what is below comes next.
private struct Walk {
    private let store: Store
    private let query: KeyQuery
    private let hidden: [String]
    private(set) var frames: [FolderListing] = []
    private var keys: [String] = []

    init(store: Store, query: KeyQuery, hidden: [String]) {
        self.store = store
        self.query = query
        self.hidden = hidden
    }

    /// Goes on with what an earlier page left, which may have changed since.
    mutating func resume(_ frames: [FolderListing]) {
        self.frames = frames
    }

    /// Starts at the base, or after the path that the cursor is.
    mutating func start() throws(StorageError) {
        let base = self.store.mapping.folderPath(ofBase: self.query.base)
        var steps = PathMapping.names(in: self.query.cursor ?? "")
        var folder = FolderListing(path: base, branch: .init(base: self.query.base), after: steps.removeFirst())
        self.frames.append(folder)
        while !steps.isEmpty {
            let name = folder.position
            // What is no item's folder, `..` among others, is not gone into.
            guard let branch = self.store.mapping.branch(of: name, in: folder.branch) else { return }
            let path = folder.path.isEmpty ? name : "\(folder.path)/\(name)"
            folder = FolderListing(path: path, branch: branch, after: steps.removeFirst())
            self.frames.append(folder)
        }
    }

    mutating func page() throws(StorageError) -> KeyPage {
        let limit = max(1, self.query.limit)
        // Names that are no keys must not make a page endless.
        var remaining = min(limit, 1 << 40) + 10_000
        while !self.frames.isEmpty {
            guard self.keys.count < limit, remaining > 0 else {
                return KeyPage(keys: self.keys, cursor: self.frames.map(\.position).joined(separator: "/"))
            }
            remaining -= 1
            let last = self.frames.count - 1
            guard let entry = try self.frames[last].next(self.store) else {
                self.frames.removeLast()
                continue
            }
            switch entry.kind {
            case .file: self.addItem(entry.name, self.frames[last].branch)
            case .folder: try self.enter(entry.name, self.frames[last])
            case .other: break
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

    private mutating func enter(_ name: String, _ parent: FolderListing) throws(StorageError) {
        guard let branch = self.store.mapping.branch(of: name, in: parent.branch) else { return }
        if let key = branch.key, self.store.ignored.matches(key) { return }
        let path = parent.path.isEmpty ? name : "\(parent.path)/\(name)"
        guard let maxDepth = self.query.maxDepth, branch.depth > maxDepth else {
            self.frames.append(FolderListing(path: path, branch: branch, after: ""))
            return
        }
        // All keys below are too deep, but the folder may be an item as well.
        guard let folder = try self.store.openListed(path, branch.key),
            let item = try self.store.open(PathMapping.folderItemName, in: folder.raw, branch.key),
            try self.store.status(item.raw, branch.key).kind == .file
        else { return }
        self.addItem(PathMapping.folderItemName, branch)
    }
}
