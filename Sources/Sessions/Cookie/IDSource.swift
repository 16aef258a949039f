import Synchronization

/// Where session IDs come from: the system's source, or one that was given to the configuration explicitly (R01).
protocol IDSource: Sendable {
    /// Draws a new ID.
    func next() -> SessionID
}

/// The system's cryptographically secure source.
struct SystemIDSource: IDSource {
    func next() -> SessionID {
        var generator = SystemRandomNumberGenerator()
        return SessionID(using: &generator)
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
}
