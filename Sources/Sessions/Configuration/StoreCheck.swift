import KVStorage
import Synchronization

/// Whether what is mounted where sessions are kept is fit for them.
///
/// A mount can change, and a server's limits can become known later: it is looked at again whenever another driver keeps the
/// items, and now and then besides.
final class StoreCheck: Sendable {
    private static let interval: UInt64 = 32
    /// How many calls look in any case: a server is known from its first connection on.
    private static let firstCount: UInt64 = 64

    private let storage: Storage
    private let allowed: Capabilities.Feature
    private let checked = Mutex<(owner: ObjectIdentifier?, count: UInt64)>((nil, 0))

    init?(_ place: SessionPlace) {
        guard let storage = place.storage else { return nil }
        self.storage = storage
        self.allowed = place.allowed
    }

    /// - Throws: ``SessionError/Code/invalidConfiguration``.
    func check() throws(SessionError) {
        let owner: (id: ObjectIdentifier, driver: any StorageDriver)
        do {
            owner = try self.storage.owner()
        } catch {
            guard error.code == .invalidKey else { return }
            throw SessionError(
                .invalidConfiguration, "the sessions' storage is a view of a base that no key can have",
                underlying: error)
        }
        let isDue = self.checked.withLock { checked in
            checked.count &+= 1
            return checked.owner != owner.id || checked.count <= Self.firstCount || checked.count % Self.interval == 0
        }
        guard isDue else { return }
        try self.check(owner.driver)
        self.checked.withLock { $0.owner = owner.id }
    }

    private func check(_ driver: any StorageDriver) throws(SessionError) {
        let unfit = driver.capabilities.features.subtracting(self.allowed)
        let reasons: [(Capabilities.Feature, String)] = [
            (.evicts, ".evicts: it drops items to keep within a limit, sessions in use among them"),
            (.readsMayBeOld, ".readsMayBeOld: a session that was ended goes on where an old copy is read"),
            (.discards, ".discards: it keeps nothing"),
            (.readOnly, ".readOnly: no session can be written"),
        ]
        for (feature, reason) in reasons where unfit.contains(feature) {
            throw ConfigurationCheck.invalid(
                "the sessions' storage (\(driver.name)) is unfit: \(reason). Keep sessions elsewhere, or name it in `allowing:`"
            )
        }
    }
}
