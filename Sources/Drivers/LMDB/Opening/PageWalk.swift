import KVStorage

/// Walks the pages of an environment's file, from the roots on, and checks that each is what those above it say.
///
/// The layout is that of LMDB's data format 1 on a little-endian machine with 64-bit words. It sees what would lead
/// LMDB astray, not whether keys and values are those that were written.
struct PageWalk {
    struct Damage: Error {}

    private struct Step {
        let page: UInt64
        /// How many pages lie above one another from here on.
        let depth: Int
        let isFreeList: Bool
        /// How many databases this one lies in.
        let nesting: Int
    }

    /// The free pages from the one on that was asked for.
    private(set) var freePages: Set<UInt64> = []
    /// How many pages the lists that were walked through say are free.
    private(set) var freeCount = 0
    /// The page that was looked at last.
    private(set) var currentPage: UInt64 = 0

    private let meta: File.Meta
    private let firstFreePage: UInt64
    private var steps: [Step] = []
    private var budget: Int
    /// A bit for each page that something was found to be on; `nil` for a walk that goes no further than a limit.
    private var used: [UInt64]?

    // Read in some 20 ms. Upper pages come first, whose damage would concern most.
    private static let pageLimit = 8192
    private static let deepest = 32
    private static let headerBytes = 16

    /// Prepares a walk through all databases, as far as a limit of pages allows.
    init(_ meta: File.Meta) {
        self.meta = meta
        self.firstFreePage = .max
        self.budget = Self.pageLimit
        self.add(meta.free, isFreeList: true, nesting: 0)
        self.add(meta.names, isFreeList: false, nesting: 0)
    }

    /// Prepares a walk through all pages that reads each byte and checks that none is used twice.
    init(whole meta: File.Meta) {
        self.init(meta)
        self.budget = Int(clamping: meta.pageCount)
        self.used = [UInt64](repeating: 0, count: Int(clamping: meta.pageCount / 64 + 1))
    }

    /// Prepares a walk through the whole list of free pages that keeps those from the given one on.
    init(_ meta: File.Meta, freePagesFrom first: UInt64) {
        self.meta = meta
        self.firstFreePage = first
        // More pages than there are only a ring could have.
        self.budget = Int(clamping: meta.pageCount)
        self.add(meta.free, isFreeList: true, nesting: 0)
    }

    mutating func run(
        _ file: borrowing LMDBPlatform.ReadableFile,
        checking: () throws -> Void = {}
    ) throws {
        // The last first, so that few steps are kept.
        while self.used != nil, self.budget > 0, let step = self.steps.popLast() {
            try checking()
            try self.take(step, file)
        }
        // All pages were read, and yet there are more to come.
        guard self.used == nil || self.steps.isEmpty else { throw Damage() }
        var next = 0
        while next < self.steps.count, self.budget > 0 {
            try self.take(self.steps[next], file)
            next += 1
        }
    }

    private mutating func add(_ database: File.Database, isFreeList: Bool, nesting: Int) {
        guard !database.isEmpty else { return }
        self.steps.append(
            Step(page: database.root, depth: database.depth, isFreeList: isFreeList, nesting: nesting))
    }

    private mutating func take(_ step: Step, _ file: borrowing LMDBPlatform.ReadableFile) throws {
        guard (1...Self.deepest).contains(step.depth), step.nesting <= 2 else { throw Damage() }
        let page = Page(bytes: try self.read(step.page, count: 1, file))
        try self.use(step.page)
        try page.requireSound()
        // In the list of free pages LMDB is content with less.
        let fewest = step.isFreeList ? 0 : step.depth == 1 ? 1 : 2
        guard page.kind == (step.depth == 1 ? .leaf : .branch), page.count >= fewest else { throw Damage() }
        if page.isPacked { return }
        for index in 0..<page.count {
            if step.depth > 1 {
                self.steps.append(
                    Step(
                        page: try page.child(index),
                        depth: step.depth - 1,
                        isFreeList: step.isFreeList,
                        nesting: step.nesting
                    )
                )
            } else {
                try self.take(page.content(index), of: page, step, file)
            }
        }
    }

    private mutating func take(
        _ content: Page.Content,
        of page: Page,
        _ step: Step,
        _ file: borrowing LMDBPlatform.ReadableFile
    ) throws {
        switch content {
        case .value(let value):
            if step.isFreeList { try self.takeList(Array(page.bytes[value])) }
        case .elsewhere(let number, let byteCount):
            let pageBytes = self.meta.pageBytes
            let count = (Self.headerBytes + byteCount + pageBytes - 1) / pageBytes
            try self.requireRoom(number, count)
            let header = Page(bytes: try self.read(number, count: step.isFreeList ? count : 1, file))
            guard header.kind == .overflow, header.overflowCount >= count else { throw Damage() }
            if self.used != nil { try self.readOverflow(number, header.overflowCount, step, file) }
            if step.isFreeList {
                try self.takeList(Array(header.bytes[Self.headerBytes..<Self.headerBytes + byteCount]))
            }
        case .database(let bytes):
            self.add(File.Database(page.bytes[bytes]), isFreeList: false, nesting: step.nesting + 1)
        case .duplicates(let bytes):
            let duplicates = Page(bytes: Array(page.bytes[bytes]))
            try duplicates.requireSound()
            guard duplicates.kind == .leaf, duplicates.count > 0 else { throw Damage() }
            if duplicates.isPacked { return }
            for index in 0..<duplicates.count { _ = try duplicates.content(index) }
        }
    }

    /// Takes a list of free pages: how many there are, then they themselves.
    private mutating func takeList(_ list: [UInt8]) throws {
        guard list.count >= 8 else { throw Damage() }
        let count = list.number(at: 0, UInt64.self)
        guard count <= UInt64(list.count / 8 - 1) else { throw Damage() }
        for index in 0..<Int(count) {
            let page = list.number(at: 8 + index * 8, UInt64.self)
            guard (2..<self.meta.pageCount).contains(page) else { throw Damage() }
            if page >= self.firstFreePage { self.freePages.insert(page) }
            try self.use(page)
        }
        self.freeCount += Int(count)
    }

    /// Reads the pages of a value behind its first one; those of a list of free pages were read already.
    private mutating func readOverflow(
        _ first: UInt64,
        _ count: Int,
        _ step: Step,
        _ file: borrowing LMDBPlatform.ReadableFile
    ) throws {
        try self.requireRoom(first, count)
        for number in first..<first + UInt64(count) { try self.use(number) }
        if step.isFreeList { return }
        let end = (first + UInt64(count)) * UInt64(self.meta.pageBytes)
        var offset = (first + 1) * UInt64(self.meta.pageBytes)
        while offset < end {
            let bytes = try file.read(Int(min(end - offset, 1 << 20)), at: offset)
            guard !bytes.isEmpty else { throw Damage() }
            offset += UInt64(bytes.count)
        }
    }

    /// Takes down that something is on the page.
    private mutating func use(_ page: UInt64) throws {
        guard self.used != nil else { return }
        self.currentPage = page
        let (index, bit) = (Int(page / 64), UInt64(1) << (page % 64))
        guard let word = self.used?[index], word & bit == 0 else { throw Damage() }
        self.used?[index] = word | bit
    }

    private mutating func read(
        _ number: UInt64,
        count: Int,
        _ file: borrowing LMDBPlatform.ReadableFile
    ) throws -> [UInt8] {
        self.currentPage = number
        try self.requireRoom(number, count)
        self.budget -= count
        let byteCount = count * self.meta.pageBytes
        let bytes = try file.read(byteCount, at: number * UInt64(self.meta.pageBytes))
        // Each page begins with its own number.
        guard bytes.count == byteCount, bytes.number(at: 0, UInt64.self) == number else { throw Damage() }
        return bytes
    }

    private func requireRoom(_ number: UInt64, _ count: Int) throws {
        guard number >= 2, number < self.meta.pageCount, UInt64(count) <= self.meta.pageCount - number else {
            throw Damage()
        }
    }
}
