import KVStorage

/// What lies beside the part that behaviours act on, and must not change whatever they do.
struct Surroundings: Sendable {
    /// Where behaviours act.
    static let base = "around:store"

    /// The storage that holds both.
    let storage: Storage

    // Items of a driver of their own that lies below a mount, to look at what the mount hides.
    private let masked: Storage?
    private let items: [String: [UInt8]]
    private let maskedItems: [String: [UInt8]]

    /// Nothing at all.
    init() {
        self.init(storage: Storage(), masked: nil, items: [:], maskedItems: [:])
    }

    private init(storage: Storage, masked: Storage?, items: [String: [UInt8]], maskedItems: [String: [UInt8]]) {
        self.storage = storage
        self.masked = masked
        self.items = items
        self.maskedItems = maskedItems
    }

    /// Mounts the driver in a storage that has items before, beside, after and below the mount.
    static func mounting(_ driver: any StorageDriver) async throws -> Surroundings {
        let root = MemoryDriver()
        let below = Storage(root)
        let items = Self.siblings
        let maskedItems: [String: [UInt8]] = [self.base: [7], "\(self.base):hidden": [8], "\(self.base):a:b": [9]]
        for (key, value) in items.merging(maskedItems, uniquingKeysWith: { $1 }) {
            try await below.setItemRaw(key, value)
        }
        let storage = Storage(root, busyTimeout: .seconds(60))
        try storage.mount(self.base, driver)
        return Surroundings(storage: storage, masked: below, items: items, maskedItems: maskedItems)
    }

    /// Puts items before, beside and after the prefix in the driver itself.
    static func prefixing(_ driver: any StorageDriver, fills: Bool) async throws -> Surroundings {
        let storage = Storage(driver, busyTimeout: .seconds(60))
        let items = self.siblings.merging([self.base: [6]], uniquingKeysWith: { $1 })
        if fills {
            for (key, value) in items { try await storage.setItemRaw(key, value) }
        }
        let expected = driver.capabilities.isWritable ? items : [:]
        return Surroundings(storage: storage, masked: nil, items: expected, maskedItems: [:])
    }

    private static let siblings: [String: [UInt8]] = [
        "a": [0], "around": [1], "around:stor": [2], "around:store2:x": [3], "around:store;": [4], "b:c": [5],
    ]

    /// Fails unless every item is as it was and no other has appeared; a disposed storage is not asked.
    func check() async throws {
        if self.items.isEmpty { return }
        do {
            try await self.checkOpen()
        } catch let error as StorageError where error.code == .closed {
            return
        }
    }

    private func checkOpen() async throws {
        for (key, value) in self.items {
            let stored = try await self.storage.getItemRaw(key)
            try expectEqual(stored, value, "the item \(key), outside of what was acted on")
        }
        let outside = try await self.storage.getKeys().filter { !$0.utf8.starts(with: "\(Self.base):".utf8) }
        try expectKeys(outside, Array(self.items.keys), "the keys outside of what was acted on")
        guard let masked = self.masked else { return }
        for (key, value) in self.maskedItems {
            let stored = try await masked.getItemRaw(key)
            try expectEqual(stored, value, "the item \(key) that the mount hides")
        }
    }
}
