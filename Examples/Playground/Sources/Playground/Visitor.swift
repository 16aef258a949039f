import Foundation
import KVStorage

/// What a session holds: what the playground knows of one browser. Who is logged in the session knows by itself.
struct Visitor: Codable, Sendable {
    /// Something that the visitor wants to be kept.
    struct Note: Codable, Sendable {
        var name: String
        var value: String
    }

    var visits = 0
    var since = Date.now
    var notes: [Note] = []
    /// What scripts may write, and nothing else: see ``scriptFields``.
    var motto: String?
    var data: StorageValue?

    /// The fields that the session's endpoints let a script write.
    static let scriptFields: Set<String> = ["motto", "data"]
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

    /// Takes what may come along from before a login: only what does no harm if somebody else had put it there.
    mutating func carry(from old: Visitor) {
        self.visits = old.visits
        self.since = old.since
        self.notes = old.notes
    }

    /// Returns the name that a visitor logs in with.
    static func user(_ name: String) throws(Refusal) -> String {
        try self.checked(name, "Your name", limit: self.maximumNameLength)
    }

    private static func checked(_ text: String, _ what: String, limit: Int) throws(Refusal) -> String {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw Refusal(message: "\(what) is empty.") }
        guard text.count <= limit else { throw Refusal(message: "\(what) is longer than \(limit) characters.") }
        return text
    }
}
