/// How long an item lives once it is written.
///
///     try await storage.setItem("session", value, ttl: .seconds(1800))
///     try await storage.setItem("draft", text, ttl: .keep)
///
/// From its deadline on the item is absent. Lifetimes count from the moment of the write by the clock of the driver, in
/// whole milliseconds, rounded up.
public struct TTL: Sendable, Hashable {
    /// What a new lifetime is counted from.
    enum Lifetime: Sendable, Hashable {
        case mount, forever
        case after(Duration)
        case until(Timestamp)
    }

    let lifetime: Lifetime

    /// Whether an existing item keeps the deadline that it has; the rest then counts for an item that is created.
    public let keepsDeadline: Bool

    private init(_ lifetime: Lifetime, keepsDeadline: Bool = false) {
        self.lifetime = lifetime
        self.keepsDeadline = keepsDeadline
    }

    /// The mount's own lifetime, which is ``forever`` unless ``Storage/mount(_:_:ttl:)`` was given another.
    ///
    /// Drivers never see it: ``Storage`` puts the mount's in its place.
    public static let `default` = TTL(.mount)

    /// No deadline.
    public static let forever = TTL(.forever)

    /// An existing item keeps its deadline, or has none still; one that is created gets the mount's lifetime.
    public static let keep = TTL(.mount, keepsDeadline: true)

    /// An existing item keeps its deadline, or has none still; one that is created gets `lifetime`.
    public static func keep(orElse lifetime: TTL) -> TTL { TTL(lifetime.lifetime, keepsDeadline: true) }

    /// That long from the write on; has to be positive.
    public static func after(_ duration: Duration) -> TTL { TTL(.after(duration)) }

    /// Up to that moment; an item whose deadline has come is absent at once.
    public static func until(_ deadline: Timestamp) -> TTL { TTL(.until(deadline)) }

    /// So many seconds from the write on; has to be positive.
    public static func seconds(_ seconds: some BinaryInteger) -> TTL { .after(.seconds(seconds)) }

    /// So many seconds from the write on; has to be positive.
    public static func seconds(_ seconds: Double) -> TTL { .after(.seconds(seconds)) }

    /// So many milliseconds from the write on; has to be positive.
    public static func milliseconds(_ milliseconds: some BinaryInteger) -> TTL { .after(.milliseconds(milliseconds)) }
}

extension TTL {
    /// Returns the deadline of an item that is written at `now`, or `nil` if it lives forever.
    ///
    /// For an item that exists, look at ``keepsDeadline`` first.
    public func deadline(at now: Timestamp) -> Timestamp? {
        switch self.lifetime {
        case .mount, .forever: nil
        case .after(let duration): now.advanced(by: duration)
        case .until(let deadline): deadline
        }
    }

    /// Returns how long an item that is written at `now` lives, or `nil` if it lives forever; may be negative.
    public func duration(at now: @autoclosure () -> Timestamp) -> Duration? {
        switch self.lifetime {
        case .mount, .forever: nil
        case .after(let duration): duration
        case .until(let deadline): now().duration(to: deadline)
        }
    }

    /// Returns the same with `lifetime` where the mount's counts.
    func resolved(_ mount: TTL) -> TTL {
        guard self.lifetime == .mount else { return self }
        return TTL(mount.lifetime == .mount ? .forever : mount.lifetime, keepsDeadline: self.keepsDeadline)
    }

    /// Throws ``StorageError/Code/invalidOption`` if the lifetime is not positive.
    func validate() throws(StorageError) {
        guard case .after(let duration) = self.lifetime, duration <= .zero else { return }
        throw StorageError(.invalidOption, "the lifetime must be positive; to remove an item use removeItem")
    }
}

extension TTL: CustomStringConvertible {
    /// The lifetime, as in `30.0 seconds` or `keep, else forever`.
    public var description: String {
        let text =
            switch self.lifetime {
            case .mount: "default"
            case .forever: "forever"
            case .after(let duration): "\(duration)"
            case .until(let deadline): "until \(deadline)"
            }
        return self.keepsDeadline ? "keep, else \(text)" : text
    }
}
