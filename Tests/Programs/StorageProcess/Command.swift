import KVStorage
import KVStorageFiles
import ProcessOutput

enum Command: String {
    /// Increments the item `counter` so many times.
    case increment
    /// The same by compare-and-swap.
    case compareAndSwap = "compare-and-swap"
    /// Moves amounts between the accounts of ``Bank`` by transactions, `<tasks> <transfers of each> <interval>`; prints a line
    /// for every so many'th transfer of a task.
    case transfer
    /// Writes from so many tasks until it is killed; prints each key once its write was acknowledged.
    case crashWriter = "crash-writer"
    /// Writes with a file size limit of so many bytes until a write fails; prints the number of those that did not,
    /// then `again` if the store takes writes once the limit is gone.
    case fill
    /// Stores so many items of its own and reads each of them back; prints how many are there.
    case load
    /// Reads every item; prints how many there are.
    case list
    /// Writes and reads one item.
    case probe
    /// Reads, writes and lists while the process has no file descriptor left, and once more with some.
    case exhaust
    /// Reads an item and keeps the store open until its input ends.
    case hold
    /// Begins to write an item, in a store with the option `stopping`, and stops (`SIGSTOP`) with the lock in its hands.
    case stopInWrite = "stop-in-write"
    /// Writes an item and ends without closing the store; opens another at the very end and prints what it reads there.
    case leave
    /// Locks one byte of a file, `<offset> <path>`, and keeps that until its input ends.
    case lock
    /// Writes two items into a store in files; prints its keys, whether it can be watched and is sound, and what clearing it
    /// does.
    case tour

    /// Commits what ``CommitOfSeveral`` says in a store in files, and kills itself after so many system calls of that; prints
    /// `done` if there were fewer.
    case commitKilled = "commit-killed"
    /// Moves so many times an amount from one of four items to another, by a commit of both.
    case transferPair

    func run(_ store: any StorageDriver, _ argument: String) async throws {
        switch self {
        case .increment: try await Self.increment(store, Self.number(argument))
        case .compareAndSwap: try await Self.compareAndSwap(store, Self.number(argument))
        case .transfer: try await Bank(store).transfer(argument)
        case .crashWriter: try await Self.write(store, tasks: Self.number(argument))
        case .fill: try await Self.fill(store, limit: Self.number(argument))
        case .load: try await Self.load(store, Self.number(argument))
        case .list: try await Self.list(store)
        case .probe: try await Self.probe(store)
        case .exhaust: try await Self.exhaust(store)
        case .hold:
            _ = try await store.getItem("probe")
            Output.line("ready")
            while readLine() != nil {}
        case .stopInWrite:
            await StoppingClock.shared.arm()
            try await store.setItem("stopped", [1], WriteOptions())
            Output.line("continued")
        case .leave:
            try await store.setItem("left", Array("behind".utf8), WriteOptions())
            Output.exit(0)
        case .lock:
            let words = argument.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2, Limits.lockByte(try Self.number(words[0]), of: words[1]) else {
                throw Store.Unknown(text: argument)
            }
            Output.line("locked")
            while readLine() != nil {}
        case .commitKilled:
            CommitOfSeveral.killAfter(try Self.number(argument))
            _ = try await store.commit(CommitOfSeveral.commit)
            Output.line("done")
        case .transferPair: try await CommitOfSeveral.transfer(store, Self.number(argument))
        case .tour:
            if let files = store as? FilesDriver { try await Self.tour(files) }
        }
    }

    private static func tour(_ store: FilesDriver) async throws {
        try await store.setItem("a:b", [1], WriteOptions())
        try await store.setItem("c", [1], WriteOptions())
        Output.line("keys \(try await store.getKeys(KeyQuery()).keys.sorted().joined(separator: ","))")
        try await store.startWatching()
        Output.line("watching")
        let verification = try await store.verify()
        for problem in verification.problems {
            Output.line("problem \(problem.split(separator: "\"").first ?? "")")
        }
        if verification.isSound { Output.line("sound \(verification.itemCount)") }
        do throws(StorageError) {
            Output.line("cleared \(try await store.clear(""))")
        } catch {
            Output.line("error \(error.code) \(error.key ?? "")")
        }
        Output.line("keys \(try await store.getKeys(KeyQuery()).keys.sorted().joined(separator: ","))")
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text) else { throw Store.Unknown(text: text) }
        return number
    }

    private static func increment(_ store: any StorageDriver, _ count: Int) async throws {
        for _ in 0..<count {
            _ = try await store.incrementItem("counter", by: 1, WriteOptions())
        }
    }

    private static func compareAndSwap(_ store: any StorageDriver, _ count: Int) async throws {
        var current = try await store.getItem("counter")
        var remaining = count
        while remaining > 0 {
            let number = current.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
            let next = Array(String(number + 1).utf8)
            switch try await store.compareAndSwapItem("counter", expected: current, replacement: next, WriteOptions()) {
            case .swapped:
                remaining -= 1
                current = next
            case .mismatch(let other):
                current = other
            }
        }
    }

    private static func write(_ store: any StorageDriver, tasks: Int) async throws {
        let run = try await store.incrementItem("run", by: 1, WriteOptions())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    for count in 0... {
                        let key = "run\(run):task\(task):\(count)"
                        try await store.setItem(key, Array("value of \(key)".utf8), WriteOptions())
                        Output.line(key)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func fill(_ store: any StorageDriver, limit: Int) async throws {
        Limits.limitFileSize(limit)
        let value = [UInt8](repeating: 7, count: 10_000)
        var count = 0
        do {
            while true {
                try await store.setItem("item:\(count)", value, WriteOptions())
                count += 1
            }
        } catch let error {
            Output.line("\(count)")
            // What was there before can still be read.
            guard try await store.getItem("item:0") == value else { throw Store.Unknown(text: "item:0") }
            Limits.limitFileSize(nil)
            try await store.setItem("more", value, WriteOptions())
            if try await store.removeItem("more") { Output.line("again") }
            throw error
        }
    }

    private static func load(_ store: any StorageDriver, _ count: Int) async throws {
        let process = try await store.incrementItem("process", by: 1, WriteOptions())
        let value = [UInt8](repeating: UInt8(truncatingIfNeeded: process), count: 1000)
        var found = 0
        for number in 0..<count {
            let key = "process\(process):\(number)"
            try await store.setItem(key, value, WriteOptions())
            if try await store.getItem(key) == value { found += 1 }
        }
        Output.line("\(found)")
    }

    private static func list(_ store: any StorageDriver) async throws {
        var query = KeyQuery()
        var count = 0
        repeat {
            let page = try await store.getKeys(query)
            count += try await store.getItems(page.keys).count { $0 != nil }
            query.cursor = page.cursor
        } while query.cursor != nil
        Output.line("\(count)")
    }

    private static func probe(_ store: any StorageDriver) async throws {
        try await store.setItem("probe", [1], WriteOptions())
        Output.line("\(try await store.getItem("probe") ?? [])")
    }

    private static func exhaust(_ store: any StorageDriver) async throws {
        let calls: [(String, () async throws(StorageError) -> Void)] = [
            ("getItem", { () throws(StorageError) in _ = try await store.getItem("a:item") }),
            ("setItem", { () throws(StorageError) in try await store.setItem("a:item", [1], WriteOptions()) }),
            ("getKeys", { () throws(StorageError) in _ = try await store.getKeys(KeyQuery()) }),
            ("hasItem", { () throws(StorageError) in _ = try await store.hasItem("probe") }),
        ]
        let taken = Limits.takeAllDescriptors()
        for (name, call) in calls {
            do throws(StorageError) { try await call() } catch { Output.line("\(name) \(error.code)") }
        }
        Limits.giveBack(taken)
        for (_, call) in calls { try await call() }
        Output.line("again")
    }
}
