import KVStorage
import KVStorageSQLite

struct User: Codable {
    var name: String
}

let storage = Storage()  // in memory
try storage.mount("users", .sqlite(at: "users.db"))  // but users in a file
try await storage.setItem("users:ada", User(name: "Ada"), ttl: .seconds(3600))
let ada: User? = try await storage.getItem("users:ada")
let visits = try await storage.incrementItem("visits")
print(ada?.name ?? "nobody", visits)
try await storage.dispose()
