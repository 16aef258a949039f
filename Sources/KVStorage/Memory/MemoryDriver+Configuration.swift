extension MemoryDriver {
    /// Limits and clock of a memory store.
    public struct Configuration: Sendable {
        /// How many items the store holds at most; `nil`, the default, means any number.
        ///
        /// When a write goes over the limit, items that were not read since they were passed over last go first (SIEVE), none
        /// of that write itself. With 0 nothing is held: what is written is evicted at once. A batch of more items than that
        /// is refused with ``StorageError/Code/tooLarge``.
        public var maximumItems: Int?

        /// How many bytes the store takes at most; `nil`, the default, means any number.
        ///
        /// An item counts for its key, value and custom metadata, and 160 bytes beside them, which is about what it takes of
        /// memory. One that is larger by itself, and a batch that is larger all together, is refused with
        /// ``StorageError/Code/tooLarge``.
        public var maximumBytes: Int?

        /// Where the time comes from; by default the system's wall clock.
        public var clock: any StorageClock

        /// Creates a configuration without limits.
        public init(
            maximumItems: Int? = nil,
            maximumBytes: Int? = nil,
            clock: any StorageClock = .system
        ) {
            self.maximumItems = maximumItems.map { max(0, $0) }
            self.maximumBytes = maximumBytes.map { max(0, $0) }
            self.clock = clock
        }

        var isLimited: Bool { self.maximumItems != nil || self.maximumBytes != nil }
    }
}

extension StorageDriver where Self == MemoryDriver {
    /// Items in memory, without limits.
    public static var memory: MemoryDriver { MemoryDriver() }

    /// Items in memory, within limits; see ``MemoryDriver/Configuration``.
    public static func memory(maximumBytes: Int? = nil, maximumItems: Int? = nil) -> MemoryDriver {
        MemoryDriver(.init(maximumItems: maximumItems, maximumBytes: maximumBytes))
    }

    /// Items in memory, as configured.
    public static func memory(_ configuration: MemoryDriver.Configuration) -> MemoryDriver {
        MemoryDriver(configuration)
    }
}
