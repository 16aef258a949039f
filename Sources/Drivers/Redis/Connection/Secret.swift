/// A text that no description, reflection or `dump` shows: a password.
struct Secret: Sendable, Hashable, ExpressibleByStringLiteral {
    let value: String

    init(_ value: String) {
        self.value = value
    }

    init(stringLiteral value: String) {
        self.value = value
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "(secret)" }
    var debugDescription: String { self.description }
    var customMirror: Mirror { Mirror(self, children: [Mirror.Child]()) }
}
