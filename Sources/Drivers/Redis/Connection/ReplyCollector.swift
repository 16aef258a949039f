/// What has come of the replies to one command, or to several that were sent as one.
struct ReplyCollector {
    private let replies: Int
    private let collects: Bool
    private var missing: Int
    /// What is worth keeping of the replies before the last: mostly nothing, and then it costs nothing.
    private var kept: Kept?

    private final class Kept {
        var firstError: Reply?
        var collected: [Reply] = []
    }

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
        if self.replies > 1 || self.collects { self.keep(reply) }
        guard self.missing == 0 else { return nil }
        guard let kept = self.kept else { return reply }
        return self.collects ? .array(kept.collected) : kept.firstError ?? reply
    }

    /// Forgets what has come, as all is asked for again.
    mutating func startOver() {
        self.missing = self.replies
        self.kept = nil
    }

    private mutating func keep(_ reply: Reply) {
        var isError = false
        if case .error = reply { isError = true }
        guard self.collects || isError else { return }
        let kept = self.kept ?? Kept()
        self.kept = kept
        if self.collects { kept.collected.append(reply) }
        if isError, kept.firstError == nil { kept.firstError = reply }
    }
}
