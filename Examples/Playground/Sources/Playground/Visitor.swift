import Foundation

/// What a session holds: what the playground knows of one browser.
struct Visitor: Codable, Sendable {
    /// Something that the visitor wants to be kept.
    struct Note: Codable, Sendable {
        var name: String
        var value: String
    }

    var visits = 0
    var since = Date.now
    var user: String?
    var notes: [Note] = []
}

extension Visitor {
    /// A change that the visitor has to be told is not possible.
    struct Refusal: Error {
        let message: String
    }

    static let maximumNotes = 20
    static let maximumNameLength = 40
    static let maximumValueLength = 200

    /// Adds a note, or replaces the one of that name.
    mutating func setNote(_ name: String, _ value: String) throws(Refusal) {
        let note = Note(
            name: try Self.checked(name, "The name", limit: Self.maximumNameLength),
            value: try Self.checked(value, "The value", limit: Self.maximumValueLength)
        )
        if let index = self.notes.firstIndex(where: { $0.name == note.name }) {
            self.notes[index] = note
            return
        }
        guard self.notes.count < Self.maximumNotes else {
            throw Refusal(message: "There is room for \(Self.maximumNotes) notes. Remove one first.")
        }
        self.notes.append(note)
    }

    mutating func removeNote(_ name: String) {
        self.notes.removeAll { $0.name == name }
    }

    mutating func logIn(_ user: String) throws(Refusal) {
        self.user = try Self.checked(user, "Your name", limit: Self.maximumNameLength)
    }

    private static func checked(_ text: String, _ what: String, limit: Int) throws(Refusal) -> String {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw Refusal(message: "\(what) is empty.") }
        guard text.count <= limit else { throw Refusal(message: "\(what) is longer than \(limit) characters.") }
        return text
    }
}
