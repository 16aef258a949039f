public import KVStorage

/// A way to make fresh, empty stores of one kind.
///
/// A driver without a medium of its own needs its initialiser only:
///
///     ConformanceSubject("memory") { clock in MemoryDriver(.init(clock: clock)) }
///
/// One that keeps its data somewhere also says how to make and remove such a place. The suite opens a place several times
/// if the driver's capabilities promise durability (one after the other) or sharing between processes (at once):
///
///     ConformanceSubject(
///         "mine",
///         place: { try makeTemporaryFolder() },
///         cleanUp: { folder in try removeFolder(folder) },
///         driver: { folder, clock in try MyDriver(at: folder, clock: clock) }
///     )
public struct ConformanceSubject: Sendable, CustomStringConvertible {
    /// How behaviours reach the driver.
    public enum Arrangement: String, Sendable, Hashable, CaseIterable {
        /// It is the storage's root.
        case root
        /// It is mounted in another storage, whose own items must stay as they are.
        case mounted
        /// It is the storage's root, and behaviours see the part below a prefix; what lies beside it must stay.
        case prefixed
    }

    struct Place: Sendable {
        let open: @Sendable (ManualClock) async throws -> any StorageDriver
        let cleanUp: @Sendable () async throws -> Void
    }

    /// What is tested, for reports.
    public var name: String
    /// Whether the driver takes its time from the clock it is given. If not, behaviours that move the clock are skipped.
    public var takesClock: Bool
    /// How behaviours reach the driver; at the root by default.
    public private(set) var arrangement = Arrangement.root

    private var makePlace: @Sendable () async throws -> Place

    /// Creates a subject whose drivers share nothing.
    public init(
        _ name: String,
        takesClock: Bool = true,
        driver: @escaping @Sendable (ManualClock) async throws -> any StorageDriver
    ) {
        self.name = name
        self.takesClock = takesClock
        self.makePlace = { Place(open: driver, cleanUp: {}) }
    }

    /// Creates a subject whose drivers keep their data in a place, which is removed after they were disposed.
    public init<Location: Sendable>(
        _ name: String,
        takesClock: Bool = true,
        place: @escaping @Sendable () async throws -> Location,
        cleanUp: @escaping @Sendable (Location) async throws -> Void,
        driver: @escaping @Sendable (Location, ManualClock) async throws -> any StorageDriver
    ) {
        self.name = name
        self.takesClock = takesClock
        self.makePlace = {
            let location = try await place()
            return Place(open: { try await driver(location, $0) }, cleanUp: { try await cleanUp(location) })
        }
    }

    /// The name.
    public var description: String { self.name }

    /// The same driver at the root, through a mount and through a prefix.
    public var variants: [ConformanceSubject] {
        Arrangement.allCases.map(self.arranged)
    }

    /// Returns the same driver reached in another way.
    public func arranged(_ arrangement: Arrangement) -> ConformanceSubject {
        var subject = self
        subject.arrangement = arrangement
        if arrangement != .root { subject.name += ", \(arrangement.rawValue)" }
        return subject
    }

    /// Returns the same driver inside another, such as a cache in front of it.
    public func wrapped(
        _ name: String,
        _ wrap: @escaping @Sendable (any StorageDriver, ManualClock) async throws -> any StorageDriver
    ) -> ConformanceSubject {
        var subject = self
        subject.name += ", \(name)"
        subject.makePlace = { [makePlace = self.makePlace] in
            let place = try await makePlace()
            return Place(open: { try await wrap(try await place.open($0), $0) }, cleanUp: place.cleanUp)
        }
        return subject
    }

    func makeStore(patience: Duration = .seconds(20)) async throws -> ConformanceStore {
        try await ConformanceStore(try await self.makePlace(), self.arrangement, patience: patience)
    }

    func readCapabilities() async throws -> Capabilities {
        let store = try await self.makeStore()
        let capabilities = store.capabilities
        try await store.cleanUp()
        return capabilities
    }
}
