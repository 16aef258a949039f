public import KVStorage
import Synchronization

/// A fresh, empty store for one behaviour.
public final class ConformanceStore: Sendable {
    /// What behaviours act on; empty at first, and nothing else shares what lies below its root.
    public let storage: Storage
    /// The driver below ``storage``. Its own keys are those of the storage only at the root.
    public let driver: any StorageDriver
    /// The clock that the driver was given.
    public let clock: ManualClock
    /// How many bytes the driver sees in front of each key of ``storage``.
    public let prefixBytes: Int
    /// How long to wait, by the system's clock, for what a driver does in the background.
    public let patience: Duration

    /// What stands between a wrapper and the driver that it wraps; `nil` if the subject is no wrapper.
    let inner: PausingDriver?
    /// What makes calls of the wrapped driver fail, behind ``inner``.
    let faults: FaultyDriver?
    /// Makes another fresh, empty store of the same subject, to be cleaned up by whoever makes it.
    let makeAnother: @Sendable () async throws -> ConformanceStore

    private let physicalItems: (@Sendable () async throws -> Int)?
    private let place: ConformanceSubject.Place
    private let arrangement: ConformanceSubject.Arrangement
    private let surroundings: Surroundings
    private let opened: Opened

    /// What the driver declares.
    public var capabilities: Capabilities { self.driver.capabilities }

    convenience init(
        _ place: ConformanceSubject.Place,
        _ arrangement: ConformanceSubject.Arrangement,
        patience: Duration,
        makeAnother: @escaping @Sendable () async throws -> ConformanceStore
    ) async throws {
        let opened = Opened()
        do {
            try await self.init(place, arrangement, ManualClock(), patience, opened, makeAnother, isFirst: true)
        } catch {
            await opened.disposeAll()
            try? await place.cleanUp()
            throw error
        }
    }

    private init(
        _ place: ConformanceSubject.Place,
        _ arrangement: ConformanceSubject.Arrangement,
        _ clock: ManualClock,
        _ patience: Duration,
        _ opened: Opened,
        _ makeAnother: @escaping @Sendable () async throws -> ConformanceStore,
        isFirst: Bool
    ) async throws {
        self.place = place
        self.arrangement = arrangement
        self.clock = clock
        self.patience = patience
        self.opened = opened
        self.makeAnother = makeAnother
        let opening = try await place.open(clock)
        self.driver = opening.driver
        self.inner = opening.inner
        self.faults = opening.faults
        self.physicalItems = opening.physicalCount
        let fills = isFirst && self.driver.capabilities.isWritable
        let driver = self.driver
        switch arrangement {
        case .root:
            // On a busy machine with a slow disk many a turn takes its time.
            self.storage = Storage(driver, busyTimeout: .seconds(60))
            self.prefixBytes = 0
            self.surroundings = Surroundings()
        case .mounted:
            self.surroundings = try await Surroundings.mounting(driver)
            self.storage = self.surroundings.storage.prefixed(Surroundings.base)
            self.prefixBytes = 0
        case .prefixed:
            self.surroundings = try await Surroundings.prefixing(driver, fills: fills)
            self.storage = self.surroundings.storage.prefixed(Surroundings.base)
            self.prefixBytes = Surroundings.base.utf8.count + 1
        }
        opened.add(self.storage, driver)
    }

    /// Disposes the driver and opens the same place again, as after a restart.
    public func reopen() async throws -> ConformanceStore {
        try await self.storage.dispose()
        return try await self.openAgain()
    }

    /// Opens the same place a second time while this one stays open, as another process would.
    public func secondHandle() async throws -> ConformanceStore {
        try await self.openAgain()
    }

    private func openAgain() async throws -> ConformanceStore {
        try await ConformanceStore(
            self.place,
            self.arrangement,
            self.clock,
            self.patience,
            self.opened,
            self.makeAnother,
            isFirst: false
        )
    }

    /// Disposes the driver, has names put into its medium as another program would, and opens it again.
    func plant() async throws -> (store: ConformanceStore, planted: PlantedNames) {
        try await self.storage.dispose()
        guard let plant = self.place.plant else { throw Self.missing("plant") }
        let planted = try await plant()
        let store = try await self.openAgain()
        return (store, planted)
    }

    /// Disposes the driver, counts what is left of the planted names, and opens it again.
    func count(_ planted: PlantedNames) async throws -> (store: ConformanceStore, count: Int) {
        try await self.storage.dispose()
        let count = try await planted.remaining()
        let store = try await self.openAgain()
        return (store, count)
    }

    /// Returns how many items the medium holds, expired ones included.
    func physicalCount() async throws -> Int {
        guard let physicalItems = self.physicalItems else { throw Self.missing("physicalCount") }
        return try await physicalItems()
    }

    private static func missing(_ hook: String) -> ConformanceFailure {
        ConformanceFailure("the behaviour needs the subject's hook `\(hook)`", at: nil)
    }

    /// Checks that what lies beside the store is as it was.
    func checkSurroundings() async throws {
        try await self.surroundings.check()
    }

    /// Disposes every driver that was opened and removes the place.
    func cleanUp() async throws {
        await self.opened.disposeAll()
        try await self.place.cleanUp()
    }
}

/// What was opened on one place.
private final class Opened: Sendable {
    private let all = Mutex<[(storage: Storage, driver: any StorageDriver)]>([])

    func add(_ storage: Storage, _ driver: any StorageDriver) {
        self.all.withLock { $0.append((storage, driver)) }
    }

    func disposeAll() async {
        let all = self.all.withLock { all in
            defer { all = [] }
            return all
        }
        // A driver may be broken in any way here; what a failing disposal means is for the behaviours to say.
        for (storage, driver) in all.reversed() {
            try? await storage.dispose()
            try? await driver.dispose()
        }
    }
}
