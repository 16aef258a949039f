import KVStorage

/// Finds the items whose time has come without a look at the others.
///
/// For every item with a deadline there is a symbolic link in a folder beside the items, whose name holds the deadline and
/// whose text is the key. It is never followed, only read. The links are sorted into folders by time, of 65 s each in folders
/// of 19 h each, so that finding what is due, or due next, reads little else. Items without a deadline have no part in it, and
/// the folder goes with the last link.
///
/// An item's own footer decides whether it has expired; the index only says where to look. A link is made before its item
/// is written and removed after it is gone, so that a crash can leave one too many, never one too few.
struct DeadlineIndex {
    struct Entry {
        let key: String
        let deadline: Timestamp
        fileprivate let folderPath: String
        fileprivate let name: String
    }

    private let store: Store
    private static let coarseShift: UInt64 = 26
    private static let fineShift: UInt64 = 16

    init(store: Store) {
        self.store = store
    }

    /// Notes that the item has that deadline, unless something is in the way.
    func add(
        _ key: String, _ deadline: Timestamp, _ held: KeyLocks.Held, _ obstacle: inout Obstacle?
    ) throws(StorageError) {
        let (path, name) = Self.place(key, deadline)
        for _ in 0..<Store.attemptLimit {
            guard let folder = try self.store.makeFolder(path, key, held, &obstacle) else { return }
            do throws(SystemError) {
                do throws(SystemError) { try System.makeLink(folder.raw, name, holding: key) } catch {
                    guard error.kind == .exists else { throw error }
                }
            } catch {
                switch error.kind {
                // The folder was removed, being empty.
                case .notFound: continue
                default: throw error.storageError(key)
                }
            }
            guard self.store.isDurable else { return }
            // One that was there may be another's who has not flushed it yet.
            guard try self.store.makeDurable(path, folder.raw, key) else { continue }
            do { try System.synchronize(folder.raw) } catch { throw error.storageError(key) }
            return
        }
        throw Store.conflict(key)
    }

    /// Returns whether it is noted that the item has that deadline.
    func contains(_ key: String, _ deadline: Timestamp) -> Bool {
        let (path, name) = Self.place(key, deadline)
        guard let folder = try? self.store.open(System.folderFlags, path, nil) else { return false }
        return (try? FileStatus.of(folder.raw, name)) != nil
    }

    /// Forgets that the item had that deadline.
    func remove(_ key: String, _ deadline: Timestamp) {
        let (path, name) = Self.place(key, deadline)
        self.remove(path, name)
    }

    func remove(_ entry: Entry) {
        self.remove(entry.folderPath, entry.name)
    }

    private func remove(_ path: String, _ name: String) {
        // A link that stays is removed when its time has come.
        guard let folder = try? self.store.open(System.folderFlags, path, nil) else { return }
        try? System.unlink(folder.raw, name)
        self.store.prune(path)
    }

    /// Returns the entries that are due at the given time, and the earliest deadline after it if that is asked for.
    func due(
        at now: Timestamp, findsNext: Bool
    ) throws(StorageError) -> (entries: [Entry], next: Timestamp?) {
        var entries: [Entry] = []
        var next: Timestamp?
        let root = PathMapping.indexName
        for coarse in try self.names(in: root) where next == nil {
            if !findsNext, coarse > Self.bucket(now, Self.coarseShift) { break }
            for fine in try self.names(in: "\(root)/\(coarse)") where next == nil {
                if !findsNext, fine > Self.bucket(now, Self.fineShift) { break }
                let path = "\(root)/\(coarse)/\(fine)"
                for name in try self.names(in: path) {
                    guard let bits = UInt64(name.prefix(16), radix: 16) else { continue }
                    let deadline = Timestamp(milliseconds: Int64(bitPattern: bits))
                    if deadline > now {
                        next = min(deadline, next ?? deadline)
                    } else if let key = self.key(path, name) {
                        entries.append(Entry(key: key, deadline: deadline, folderPath: path, name: name))
                    }
                }
            }
        }
        return (entries, next)
    }

    /// Reads a folder's names in ascending order; none if it is missing.
    private func names(in path: String) throws(StorageError) -> [String] {
        guard let folder = try self.store.open(System.folderFlags, path, nil) else { return [] }
        do throws(SystemError) {
            let reader = try FolderReader(folder)
            var names: [String] = []
            while let entry = try reader.next() { names.append(entry.name) }
            return names.sorted()
        } catch {
            throw error.storageError(nil)
        }
    }

    private func key(_ path: String, _ name: String) -> String? {
        guard let folder = try? self.store.open(System.folderFlags, path, nil),
            let bytes = try? System.readLink(folder.raw, name)
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func place(_ key: String, _ deadline: Timestamp) -> (path: String, name: String) {
        var first = ByteHash()
        first.add(key.utf8)
        var second = ByteHash(seed: first.value)
        second.add(key.utf8.reversed())
        let time = Self.hexadecimal(UInt64(bitPattern: deadline.milliseconds))
        let hash = Self.hexadecimal(first.value) + Self.hexadecimal(second.value)
        let folder = "\(self.bucket(deadline, self.coarseShift))/\(self.bucket(deadline, self.fineShift))"
        return ("\(PathMapping.indexName)/\(folder)", "\(time)-\(hash)")
    }

    private static func bucket(_ deadline: Timestamp, _ shift: UInt64) -> String {
        self.hexadecimal(UInt64(max(0, deadline.milliseconds)) >> shift)
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
