public import KVStorage

/// One thing that every driver does the same, and a program that shows whether it does.
///
/// ``ConformanceSuite/behaviors`` holds all of them. A driver's author can write more for what is particular to an engine:
///
///     let behavior = Behavior("mine.compaction", promise: 10, "Compaction loses nothing.") { store in
///         try await store.storage.setItem("key", "value")
///         …
///     }
///     try await behavior.run(on: subject)
public struct Behavior: Sendable {
    /// Which stores a behaviour is run on.
    public enum Scope: Sendable, Hashable {
        /// Every arrangement: at the root, through a mount, through a prefix.
        case storage
        /// Only at the root, as the behaviour asks the driver itself.
        case driver
    }

    /// What a subject has to offer beyond a driver for the behaviour to be shown.
    public enum Need: String, Sendable, Hashable, CaseIterable {
        /// The hook `plant` of ``ConformanceSubject``.
        case planting
        /// The hook `physicalCount` of ``ConformanceSubject``.
        case physicalCount
        /// A driver inside another one, as ``ConformanceSubject/wrapped(_:_:)`` makes it.
        case wrappedDriver
    }

    /// What the behaviour does to show that it holds; throws when it does not.
    public typealias Body = @Sendable (ConformanceStore) async throws -> Void

    /// A name that stays the same between versions, as in `"clear.exactlyWhatIsListed"`.
    public let name: String
    /// The sentence that is shown to hold, with the number of the promise that it belongs to.
    public let promise: Promise
    /// The stores that it is run on.
    public let scope: Scope
    /// Whether it moves the clock, and so needs a driver that takes its time from the clock it is given.
    public let movesClock: Bool
    /// Whether drivers with these capabilities have to show the behaviour.
    public let requires: @Sendable (Capabilities) -> Bool
    /// What the subject has to offer.
    public let needs: Set<Need>
    /// How long it may take where that is less than what the run allows: for what may never end.
    public let limit: Duration?

    private let body: Body

    /// Creates a behaviour, by default one that is asked of every driver that keeps what is written.
    public init(
        _ name: String,
        promise number: Int,
        _ sentence: String,
        scope: Scope = .storage,
        movesClock: Bool = false,
        needs: Set<Need> = [],
        limit: Duration? = nil,
        requires: @escaping @Sendable (Capabilities) -> Bool = { $0.isWritable },
        body: @escaping Body
    ) {
        self.name = name
        self.promise = Promise(number: number, sentence: sentence)
        self.scope = scope
        self.movesClock = movesClock
        self.needs = needs
        self.limit = limit
        self.requires = requires
        self.body = body
    }

    /// Makes a fresh store, shows the behaviour on it and cleans up.
    ///
    /// - Parameters:
    ///   - subject: what is tested.
    ///   - limit: how long it may take by the system's clock; what is stuck then is left behind.
    /// - Throws: a failure for an expectation that does not hold, for any other error, and for what takes too long.
    public func run(
        on subject: ConformanceSubject,
        limit: Duration = .seconds(120)
    ) async throws(ConformanceFailure) {
        let limit = min(limit, self.limit ?? limit)
        // What has a limit of its own is what may never end, even without ever suspending.
        let thread = self.limit == nil ? nil : OwnThread()
        let outcome = await firstOutcome(within: limit, on: thread) {
            let store = try await subject.makeStore(patience: min(limit / 6, .seconds(20)))
            do {
                try await self.body(store)
                try await store.checkSurroundings()
            } catch {
                try? await store.cleanUp()
                throw error
            }
            try await store.cleanUp()
        }
        guard let error = outcome else { return }
        var failure = error as? ConformanceFailure ?? ConformanceFailure("expected: no error, got \(error)", at: nil)
        failure.behavior = self.name
        failure.promise = self.promise
        failure.subject = subject.name
        throw failure
    }

    /// Why the behaviour is not asked of a subject with these capabilities, or `nil` if it is.
    func reasonToSkip(_ subject: ConformanceSubject, _ capabilities: Capabilities) -> String? {
        if !self.requires(capabilities) { return capabilities.reasonToSkip(self.requires) }
        if self.movesClock, !subject.takesClock {
            return "the driver does not take its time from the clock it is given"
        }
        for need in Need.allCases where self.needs.contains(need) && !subject.hooks.contains(need) {
            switch need {
            case .planting: return "the subject has no hook `plant`"
            case .physicalCount: return "the subject has no hook `physicalCount`"
            case .wrappedDriver: return "the subject is no wrapper of another driver"
            }
        }
        if self.scope == .driver, subject.arrangement != .root { return "it asks the driver itself, at the root" }
        return nil
    }
}

extension Capabilities {
    /// Whether what is written can be read.
    public var isWritable: Bool { !self.contains(.readOnly) && !self.contains(.discards) }
}
