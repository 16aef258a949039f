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
///
/// Two hooks let the suite see more, and are worth the few lines they take. `physicalCount` tells how many items the medium
/// holds, expired ones included: it proves that expired items leave it without anybody asking. `plant` puts names into the
/// medium that the driver itself never writes: it proves that whatever is listed can be read and removed.
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

    /// A place for one store.
    struct Place: Sendable {
        let open: @Sendable (ManualClock) async throws -> Opening
        var plant: (@Sendable () async throws -> PlantedNames)?
        let cleanUp: @Sendable () async throws -> Void
    }

    /// A driver that was opened on a place.
    struct Opening: Sendable {
        var driver: any StorageDriver
        /// What stands between a wrapper and the driver it wraps.
        var inner: PausingDriver?
        var faults: FaultyDriver?
        var physicalCount: (@Sendable () async throws -> Int)?
    }

    /// What is tested, for reports.
    public var name: String
    /// Whether the driver takes its time from the clock it is given. If not, behaviours that move the clock are skipped.
    public var takesClock: Bool
    /// How behaviours reach the driver; at the root by default.
    public private(set) var arrangement = Arrangement.root

    /// What the suite can do with the subject's stores beyond calling them.
    private(set) var hooks: Set<Behavior.Need> = []
    private var makePlace: @Sendable () async throws -> Place

    /// Creates a subject whose drivers share nothing.
    ///
    /// `physicalCount` tells how many items the driver's medium holds, expired ones included, and removes none by that.
    public init(
        _ name: String,
        takesClock: Bool = true,
        physicalCount: (@Sendable (any StorageDriver) async throws -> Int)? = nil,
        driver: @escaping @Sendable (ManualClock) async throws -> any StorageDriver
    ) {
        self.name = name
        self.takesClock = takesClock
        if physicalCount != nil { self.hooks.insert(.physicalCount) }
        self.makePlace = {
            let open: @Sendable (ManualClock) async throws -> Opening = { clock in
                var opening = Opening(driver: try await driver(clock))
                if let physicalCount {
                    opening.physicalCount = { [driver = opening.driver] in try await physicalCount(driver) }
                }
                return opening
            }
            return Place(open: open, plant: nil, cleanUp: {})
        }
    }

    /// Creates a subject whose drivers keep their data in a place, which is removed after they were disposed.
    ///
    /// - Parameters:
    ///   - name: what is tested, for reports.
    ///   - takesClock: whether the driver takes its time from the clock that it is given.
    ///   - place: makes an empty place.
    ///   - cleanUp: removes it.
    ///   - plant: puts names into the place that no call of the driver would have written there, as other programs do:
    ///     keys that are not normal, bytes that are not UTF-8. It is called while no driver has the place open.
    ///   - physicalCount: tells how many items the place holds, expired ones included, while the driver has it open.
    ///   - driver: opens a driver on the place.
    public init<Location: Sendable>(
        _ name: String,
        takesClock: Bool = true,
        place: @escaping @Sendable () async throws -> Location,
        cleanUp: @escaping @Sendable (Location) async throws -> Void,
        plant: (@Sendable (Location) async throws -> PlantedNames)? = nil,
        physicalCount: (@Sendable (Location, any StorageDriver) async throws -> Int)? = nil,
        driver: @escaping @Sendable (Location, ManualClock) async throws -> any StorageDriver
    ) {
        self.name = name
        self.takesClock = takesClock
        if plant != nil { self.hooks.insert(.planting) }
        if physicalCount != nil { self.hooks.insert(.physicalCount) }
        self.makePlace = {
            let location = try await place()
            let open: @Sendable (ManualClock) async throws -> Opening = { clock in
                var opening = Opening(driver: try await driver(location, clock))
                if let physicalCount {
                    opening.physicalCount = { [driver = opening.driver] in try await physicalCount(location, driver) }
                }
                return opening
            }
            var place = Place(open: open, plant: nil, cleanUp: { try await cleanUp(location) })
            if let plant { place.plant = { try await plant(location) } }
            return place
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
        subject.hooks.insert(.wrappedDriver)
        subject.makePlace = { [makePlace = self.makePlace] in
            let place = try await makePlace()
            return Place(
                open: { clock in
                    var opening = try await place.open(clock)
                    // So that a behaviour can hold a call between the wrapper and what it wraps, or make it fail.
                    let faults = FaultyDriver(opening.driver)
                    let inner = PausingDriver(faults)
                    opening.driver = try await wrap(inner, clock)
                    opening.inner = inner
                    opening.faults = faults
                    return opening
                },
                plant: place.plant,
                cleanUp: place.cleanUp
            )
        }
        return subject
    }

    func makeStore(patience: Duration = .seconds(20)) async throws -> ConformanceStore {
        let store = try await ConformanceStore(try await self.makePlace(), self.arrangement, patience: patience) {
            try await self.makeStore(patience: patience)
        }
        return store
    }

    func readCapabilities() async throws -> Capabilities {
        let store = try await self.makeStore()
        let capabilities = store.capabilities
        try await store.cleanUp()
        return capabilities
    }
}
