public import KVStorage
import Synchronization

/// A driver that fails where a test tells it to.
public final class FaultyDriver: ForwardingDriver {
    /// When a call fails.
    public enum Moment: Sendable, Hashable, CaseIterable {
        /// Before anything happened.
        case before
        /// After the call was carried out: its answer got lost.
        case after
    }

    private struct Fault {
        var remaining: Int
        var moment: Moment
        var isLasting: Bool
        var matches: @Sendable (DriverCall) -> Bool
    }

    /// The driver that does the work.
    public let base: any StorageDriver
    private let fault = Mutex<Fault?>(nil)

    /// Creates a driver that works until told otherwise.
    public init(_ base: some StorageDriver = .memory) {
        self.base = base
    }

    /// Makes the `index`-th matching call from now on fail with `unavailable`, counted from 0; with `lasting`, all that
    /// match after it too.
    public func fail(
        at index: Int = 0,
        _ moment: Moment = .before,
        lasting: Bool = false,
        where matches: @escaping @Sendable (DriverCall) -> Bool = { _ in true }
    ) {
        self.fault.withLock { $0 = Fault(remaining: index, moment: moment, isLasting: lasting, matches: matches) }
    }

    /// Makes everything work again; returns whether the planned fault is still to come.
    @discardableResult
    public func repair() -> Bool {
        self.fault.withLock { fault in
            defer { fault = nil }
            return fault.map { $0.remaining >= 0 } ?? false
        }
    }

    /// Fails or forwards.
    public func around<Result>(
        _ call: DriverCall,
        _ body: () async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        let moment = self.fault.withLock { fault -> Moment? in
            guard var present = fault, present.matches(call) else { return nil }
            defer { fault = present }
            if present.remaining < 0 { return present.isLasting ? present.moment : nil }
            present.remaining -= 1
            return present.remaining < 0 ? present.moment : nil
        }
        guard let moment else { return try await body() }
        if moment == .after { _ = try await body() }
        throw StorageError(.unavailable, "a test made this call fail", key: call.itemKey)
    }
}
