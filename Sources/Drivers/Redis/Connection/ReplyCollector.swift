/// The replies so far to one command, or to several that were sent as one, and the outcome once the last is there.
struct ReplyCollector {
    private let replies: Int
    private let collects: Bool
    private var missing: Int
    /// The first reply that is an error, of several.
    private var firstError: Reply?
    /// All replies, if they are collected.
    private var collected: [Reply] = []

    /// - Parameter collects: Whether the outcome is an array of all replies, instead of the first that is an error, or
    ///   else the last.
    init(_ replies: Int, collects: Bool) {
        self.replies = replies
        self.collects = collects
        self.missing = replies
    }

    /// Takes the next reply, and returns the outcome if it is the last.
    mutating func add(_ reply: Reply) -> Reply? {
        self.missing -= 1
        if self.collects {
            self.collected.append(reply)
            return self.missing == 0 ? .array(self.collected) : nil
        }
        if self.replies > 1, self.firstError == nil, case .error = reply { self.firstError = reply }
        return self.missing == 0 ? self.firstError ?? reply : nil
    }

    /// Forgets what has come, as the command is sent again.
    mutating func startOver() {
        self.missing = self.replies
        self.firstError = nil
        self.collected = []
    }
}
