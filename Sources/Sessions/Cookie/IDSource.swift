import Synchronization

/// Where session IDs come from: the system's source, or one that was given to the configuration explicitly (R01).
protocol IDSource: Sendable {
    /// Draws the ID of a new session.
    func next() -> SessionID
    /// Draws a new secret for a session.
    func renewed(_ id: SessionID) -> SessionID
}

/// The system's cryptographically secure source.
struct SystemIDSource: IDSource {
    func next() -> SessionID {
        var generator = SystemRandomNumberGenerator()
        return SessionID(using: &generator)
    }

    func renewed(_ id: SessionID) -> SessionID {
        var generator = SystemRandomNumberGenerator()
        return SessionID(id, secretUsing: &generator)
    }
}

/// A given generator, whose state concurrent requests share.
final class SharedIDSource<Generator: RandomNumberGenerator & Sendable>: IDSource {
    private let generator: Mutex<Generator>

    init(_ generator: Generator) {
        self.generator = Mutex(generator)
    }

    func next() -> SessionID {
        self.generator.withLock { SessionID(using: &$0) }
    }

    func renewed(_ id: SessionID) -> SessionID {
        self.generator.withLock { SessionID(id, secretUsing: &$0) }
    }
}
