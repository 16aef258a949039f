/// Ends the sleep of a thread that polls.
final class Wakeup: Sendable {
    let descriptor: Int32
    private let writeEnd: Int32

    /// Returns `nil` if the process has no descriptor left.
    init?() {
        guard let (read, write) = RedisPlatform.makeWakeup() else { return nil }
        self.descriptor = read
        self.writeEnd = write
    }

    deinit {
        RedisPlatform.close(self.descriptor)
        if self.writeEnd != self.descriptor { RedisPlatform.close(self.writeEnd) }
    }

    func signal() {
        RedisPlatform.wake(self.writeEnd)
    }

    func consume() {
        RedisPlatform.consumeWakeups(self.descriptor)
    }
}
