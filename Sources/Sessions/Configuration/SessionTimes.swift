/// The times of a configuration as given.
struct SessionTimes: Sendable {
    var maxAge: Duration
    var idleTimeout: Duration?
    var rolling: Bool
}
