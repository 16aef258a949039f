import KVStorage

/// Stores and reads in memory: what `check` runs to see that the product works on its own.
@main
enum LinkageTest {
    private struct User: Codable {
        var name: String
        var visits: Int
    }

    static func main() async throws {
        let storage = Storage()
        try await storage.setItem("users:ada", User(name: "Ada", visits: 41), ttl: .seconds(3600))
        try await storage.updateItem("users:ada", as: User.self) { $0?.visits += 1 }
        let user: User? = try await storage.getItem("users:ada")
        print(try await storage.getKeys("users"), user?.name ?? "nobody", user?.visits ?? 0)
        try await storage.dispose()
    }
}
