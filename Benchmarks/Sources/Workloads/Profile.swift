/// A small struct as applications store them.
package struct Profile: Codable, Sendable, Equatable {
    package var id: Int
    package var name: String
    package var email: String
    package var visits: Int
    package var isAdmin: Bool

    package init(_ number: Int) {
        self.id = number
        self.name = "Ada Lovelace \(number)"
        self.email = "ada\(number)@example.com"
        self.visits = number * 7
        self.isAdmin = number % 2 == 0
    }
}
