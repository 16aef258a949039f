import KVStorageTesting
import Testing

@testable import KVStorage

/// The wrappers keep what the driver behind them promises, and a stranger's driver gets the rest from the defaults.
@Suite(.serialized) struct WrapperConformanceTests {
    private static let memory = ConformanceSubject("memory") { clock in MemoryDriver(.init(clock: clock)) }

    /// What knows more of keys than their bytes is run at the root, through a mount and through a prefix.
    private static let variants = [
        ConformanceSubject("minimal") { clock in MinimalDriver(clock: clock) },
        memory.wrapped("cached") { driver, clock in CachedDriver(driver, clock: clock) },
        memory.wrapped("overlay") { driver, clock in
            try OverlayDriver([driver, MemoryDriver(.init(clock: clock))])
        },
    ]

    private static let others = [
        ConformanceSubject("null", takesClock: false) { _ in NullDriver() },
        memory.wrapped("read-only") { driver, _ in driver.layered(ReadOnlyLayer()) },
        memory.wrapped("layered") { driver, _ in
            driver.layered(CountingLayer()).layered(RetryingLayer(repeatsReads: false))
        },
        memory.wrapped("encrypted") { driver, _ in driver.encrypted() },
        memory.wrapped("overlay of three") { driver, clock in
            let middle = MemoryDriver(.init(clock: clock))
            return try OverlayDriver([driver, middle, MemoryDriver(.init(clock: clock))])
        },
        memory.wrapped("all at once") { driver, clock in
            let overlay = try OverlayDriver([driver.encrypted(), MemoryDriver(.init(clock: clock))])
            return CachedDriver(
                CachedDriver(overlay, clock: clock).layered(RetryingLayer(repeatsReads: false)), clock: clock)
        },
        ConformanceSubject("minimal, cached") { clock in CachedDriver(MinimalDriver(clock: clock), clock: clock) },
    ]

    @Test(arguments: try await ConformanceSuite.cases(for: others + variants.flatMap(\.variants)))
    func keepsPromise(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    /// An overlay whose new items lie in its lower layer, as if they had always been there.
    private struct Sinking: ForwardingDriver {
        let base: any StorageDriver
        let top: any StorageDriver
        let lower: any StorageDriver

        init(_ top: any StorageDriver, _ lower: any StorageDriver) throws {
            self.base = try OverlayDriver([top, lower])
            self.top = top
            self.lower = lower
        }

        func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
            let isHidden = try await self.top.hasItem(Tombstone.of(key))
            let isThere = try await self.base.hasItem(key)
            if !isHidden, !isThere {
                try await self.lower.setItem(key, value, options)
            } else {
                try await self.base.setItem(key, value, options)
            }
        }
    }

    private static let below = ConformanceSubject("overlay of what lies below") { clock in
        try Sinking(MemoryDriver(.init(clock: clock)), MemoryDriver(.init(clock: clock)))
    }

    /// What has nothing to do with races and events, as the lower layer is written to beside the overlay; nor with the time
    /// when an item was made, which is another one in the first layer.
    private static let quiet = ConformanceSuite.behaviors.filter { behavior in
        ["model.", "expired.", "lifetimes.", "metadata.", "removing.", "swapping.", "entries.", "clearing."]
            .contains { behavior.name.hasPrefix($0) }
            && !["clearing.whileWriting", "metadata.mtime"].contains(behavior.name)
    }

    @Test(arguments: try await ConformanceSuite.cases(for: [below], behaviors: quiet))
    func keepsPromiseOfWhatLiesBelow(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
