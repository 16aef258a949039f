#if os(Linux) || os(Android)
import Dispatch
import KVStorage
import Synchronization

/// Tells of changes below the base that others make, as the kernel reports them (inotify).
///
/// The driver's own changes are told by the call that makes them. The kernel reports them as well; the temporary name that
/// each is a rename from, or to, says that they are known. A folder is watched from before anything is written into it: this
/// driver has one that it makes watched first, and one that others made is read once it is watched, for what came into it
/// before.
///
/// The kernel's events are handled on a serial queue, and so is the watching of new folders.
final class FolderWatcher: Sendable {
    static let watching = Capabilities.Watching.external

    struct Folder {
        var path: String
        var branch: PathMapping.Branch
    }

    struct Move {
        let cookie: UInt32
        let folder: Folder
        let name: String
        let isFolder: Bool
        /// Whether the file has been emitted, or was there from the start.
        var isAnnounced = true
    }

    /// A name in a watched folder.
    struct Entry: Hashable {
        let watch: Int32
        // By bytes: strings compare by canonical equivalence.
        let name: [UInt8]
    }

    struct State {
        /// The kernel's queue and an own handle of the base, from the start to the stop.
        var descriptors: (queue: Int32, base: Int32)?
        /// Ends the reading of the kernel's queue.
        var cancel: (@Sendable () -> Void)?
        var folders: [Int32: Folder] = [:]
        // By bytes: strings compare by canonical equivalence.
        var watches: [[UInt8]: Int32] = [:]
        /// How often this process has made a folder without the kernel having told of it yet.
        var made: [[UInt8]: Int] = [:]
        /// The first half of a rename, until the second comes or any other event.
        var move: Move?
        /// The first halves of renames of temporary files, by cookie: between the halves the kernel may tell of what happens
        /// in other folders.
        var temporaries: [UInt32: Move] = [:]
        /// Files that others have made and not closed yet: nothing has been emitted of them.
        var unannounced: Set<Entry> = []
        /// Files that got their name before they were closed, as they were when that was emitted; `nil` for one that was
        /// removed before.
        var stillOpen: [Entry: FileStamp?] = [:]
        /// Whether it was emitted that there is no base folder.
        var isBaseMissing = false

        mutating func keepOpen(_ entry: Entry, _ stamp: FileStamp?) {
            // What is never closed stays here; there are never many under way.
            if self.stillOpen.count >= 4096 { self.stillOpen = [:] }
            self.stillOpen.updateValue(stamp, forKey: entry)
        }
        var isStopped = false
    }

    let base: Int32
    /// What the names of this store's temporary files hold.
    let instance: String
    let mapping: PathMapping
    let ignored: IgnorePatterns
    let events: EventHub
    let queue = DispatchQueue(label: "kv-storage.files.watch")
    /// Goes over to the folder that the base's path leads to by now; `false` if there is none.
    let renewBase = Mutex<(@Sendable () -> Bool)?>(nil)
    let state = Mutex(State())
    private let activity = Atomic(false)

    /// Whether the kernel is listened to.
    var isActive: Bool { self.activity.load(ordering: .acquiring) }

    init(base: Int32, instance: String, mapping: PathMapping, ignored: IgnorePatterns, events: EventHub) {
        self.base = base
        self.instance = instance
        self.mapping = mapping
        self.ignored = ignored
        self.events = events
    }

    /// Watches the base and every folder below it. Does nothing when that is so already.
    func start() async throws(StorageError) {
        let result = await withCheckedContinuation { continuation in
            self.queue.async {
                let result: Result<Void, StorageError>
                do throws(StorageError) { result = .success(try self.startOnQueue()) } catch {
                    result = .failure(error)
                }
                continuation.resume(returning: result)
            }
        }
        try result.get()
    }

    private func startOnQueue() throws(StorageError) {
        guard self.state.withLock({ $0.descriptors == nil && !$0.isStopped }) else { return }
        // From now on who makes a folder waits for this to end.
        self.activity.store(true, ordering: .releasing)
        do throws(SystemError) {
            let inotify = try Inotify()
            let base = try System.reopen(self.base)
            let descriptors = (queue: inotify.queue, base: base.raw)
            self.state.withLock { $0.descriptors = descriptors }
            do { try self.watch("", reports: { _ in false }) } catch {
                self.state.withLock { $0 = State(isStopped: $0.isStopped) }
                throw error
            }
            // From here on the cancel handler closes both.
            _ = inotify.release()
            _ = base.release()
            // Safe: a dispatch source may be used from any thread; the type does not say so.
            nonisolated(unsafe) let source = DispatchSource.makeReadSource(
                fileDescriptor: descriptors.queue, queue: self.queue)
            source.setEventHandler { [weak self] in self?.handleEvents() }
            source.setCancelHandler {
                System.close(descriptors.queue)
                System.close(descriptors.base)
            }
            source.activate()
            let isStopped = self.state.withLock { state in
                state.cancel = { source.cancel() }
                return state.isStopped
            }
            if isStopped { source.cancel() }
            self.lookAtBase()
        } catch {
            self.activity.store(false, ordering: .releasing)
            let advice = "raise fs.inotify.max_user_watches or max_user_instances if they are used up"
            throw StorageError(.unavailable, "can't watch the folder: \(error) (\(advice))", underlying: error)
        }
    }

    /// Ends the watching; what is queued is not told any more.
    func stop() {
        self.activity.store(false, ordering: .releasing)
        let cancel = self.state.withLock { state in
            state.isStopped = true
            return state.cancel
        }
        cancel?()
    }

    /// Sees to it that a folder that this driver made is watched before anything is written into it.
    ///
    /// - Parameter isExpanded: whether the folder took the place of an item.
    func adopt(_ path: String, isExpanded: Bool) {
        guard self.isActive else { return }
        let parent = Array(Store.split(path).folder.utf8)
        self.state.withLock { state in
            if !isExpanded, state.watches[parent] != nil { state.made[Array(path.utf8), default: 0] += 1 }
        }
        self.queue.sync { _ = self.watchNew(path, skipsItem: isExpanded) }
    }

    /// The same for one that was found, and that others may have made a moment ago.
    func adoptIfUnknown(_ path: String) {
        guard self.isActive else { return }
        if self.state.withLock({ $0.watches[Array(path.utf8)] != nil }) { return }
        self.queue.sync { _ = self.watchNew(path, skipsItem: false) }
    }

    /// Notes that the folder was removed: one of the same name is another.
    func forget(_ path: String) {
        guard self.isActive else { return }
        self.state.withLock { $0.watches[Array(path.utf8)] = nil }
    }
}

extension FolderWatcher {
    /// Goes over to the folder that the base stands for by now; what is different in it nobody knows.
    func baseWasReplaced() {
        guard self.isActive else { return }
        self.queue.async {
            guard let descriptors = self.state.withLock({ $0.isStopped ? nil : $0.descriptors }) else { return }
            let watches = self.state.withLock { Array($0.folders.keys) }
            for watch in watches { Inotify.remove(descriptors.queue, watch) }
            do {
                let base = try System.reopen(self.base)
                try System.replace(descriptors.base, by: base.raw)
            } catch {
                // Gone again: whoever notices the next one comes here once more.
            }
            self.recover()
        }
    }

    /// Looks once a second whether the base is still the folder that its path leads to: whoever watches may call nothing else
    /// that would notice, and of the end of a folder that is open the kernel tells nothing.
    private func lookAtBase() {
        self.queue.asyncAfter(deadline: .now() + .seconds(1)) { [weak self] in
            guard let self, self.isActive, let renew = self.renewBase.withLock({ $0 }) else { return }
            let isThere = renew()
            let isNews = self.state.withLock { state in
                defer { state.isBaseMissing = !isThere }
                return !isThere && !state.isBaseMissing
            }
            if isNews { self.events.emit(.lagged) }
            self.lookAtBase()
        }
    }
}
#endif
