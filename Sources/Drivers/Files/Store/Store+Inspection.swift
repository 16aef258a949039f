import KVStorage

/// Looks through the whole store, folder by folder.
extension Store {
    /// Returns how many items there are and what they, the index of deadlines and what lies half written take on the disk.
    func statistics() throws(StorageError) -> StoreStatistics {
        var statistics = StoreStatistics(itemCount: 0, byteCount: 0)
        try self.visit { (folder, name, status, key) throws(StorageError) in
            statistics.byteCount += status.allocated
            if key != nil { statistics.itemCount += 1 }
        }
        return statistics
    }

    /// Reads every item and says what is wrong.
    func verify() throws(StorageError) -> StoreVerification {
        var result = StoreVerification(itemCount: 0)
        try self.visit { (folder, name, status, key) throws(StorageError) in
            guard let key else { return }
            var problem: String?
            do throws(StorageError) {
                guard let file = try self.open(name, in: folder, key) else { return }
                let item = try self.load(file.raw, try self.status(file.raw, key), key, loadsValue: true)
                result.itemCount += 1
                if let deadline = item.record.deadline, !self.index.contains(key, deadline) {
                    problem = "it is in no index, so it stays on the disk when it has expired; touch it"
                }
            } catch {
                guard [.corrupted, .incompatibleFormat, .permissionDenied, .inputOutput].contains(error.code) else {
                    throw error
                }
                problem = error.message
            }
            // What was written meanwhile is another file.
            guard let problem, let now = try? FileStatus.of(folder, name), now.identity == status.identity,
                result.problems.count < 100
            else { return }
            result.problems.append("\"\(key)\": \(problem)")
        }
        try self.visitIntents { (_, name, bytes) throws(StorageError) in
            guard self.record(bytes) == nil, result.problems.count < 100 else { return }
            let path = "\(PathMapping.commitName)/\(name)"
            let advice = "look at the items that it names, then remove it"
            result.problems.append("\(path): what a commit was to do is damaged, so it was not completed; \(advice)")
        }
        return result
    }

    /// Runs the body on a thread where it may block, unless the store is closed.
    func inspecting<Result: Sendable>(
        _ body: @escaping @Sendable (Store) throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        try self.gate.enter()
        defer { self.gate.leave() }
        try self.look()
        return try await BlockingPool.shared.run { () throws(StorageError) in try body(self) }
    }

    /// Calls the body for every file of the store, with its key if it is an item.
    private func visit(
        _ body: (_ folder: Int32, _ name: String, _ status: FileStatus, _ key: String?) throws(StorageError) -> Void
    ) throws(StorageError) {
        // No branch: a folder of the index.
        var folders: [(path: String, branch: PathMapping.Branch?)] = [("", PathMapping.Branch(base: ""))]
        while let (path, branch) = folders.popLast() {
            if self.gate.isClosed { throw OperationGate.closed }
            guard let folder = try self.openListed(path, nil) else { continue }
            for entry in try self.entries(folder.raw) {
                let isIndex = branch == nil || path.isEmpty && entry.name == PathMapping.indexName
                let isOwn = isIndex || TemporaryName(entry.name) != nil || entry.name == PathMapping.lockName
                if entry.kind == .folder {
                    let below = isIndex ? nil : branch.flatMap { self.mapping.branch(of: entry.name, in: $0) }
                    guard isIndex || below != nil, below?.key.map(self.ignored.matches) != true else { continue }
                    folders.append((path.isEmpty ? entry.name : "\(path)/\(entry.name)", below))
                } else {
                    let key = isOwn ? nil : branch.flatMap { self.mapping.key(of: entry.name, in: $0) }
                    let isItem = entry.kind == .file && key.map(self.ignored.matches) == false
                    guard isOwn || isItem, let status = try? FileStatus.of(folder.raw, entry.name) else { continue }
                    try body(folder.raw, entry.name, status, key)
                }
            }
        }
    }

    private func entries(_ folder: Int32) throws(StorageError) -> [FolderReader.Entry] {
        do throws(SystemError) {
            let reader = try FolderReader(try System.reopen(folder))
            var entries: [FolderReader.Entry] = []
            while let entry = try reader.next() { entries.append(entry) }
            return entries
        } catch {
            throw error.storageError(nil)
        }
    }
}
