import KVStorageTesting

@testable import KVStorageRedis

/// Keys that other programs put below the prefix: not UTF-8, not normal, or not of a value's type.
enum RedisForeignKeys {
    /// As Lua writes them, which takes any byte.
    private static let names = [
        // "k" and a byte that is no UTF-8, twice, which look the same once they are repaired.
        "k\\2551", "k\\2552", "\\255", "users:\\195", "zz\\237\\160\\128",
        "a//b", "k:", ":a", "users::a", "what?x", "back\\\\slash", "a/b", "nul\\0x", "own:", "",
    ]
    private static let list = names.map { "'\($0)'" }.joined(separator: ", ")

    static func plant(below prefix: String, in server: RedisServer) async throws -> PlantedNames {
        _ = try await server.call(
            "EVAL", "for _, name in ipairs({\(self.list)}) do redis.call('SET', KEYS[1] .. ':' .. name, 'v') end", "1",
            prefix)
        return PlantedNames {
            let reply = try await server.call(
                "EVAL",
                """
                local count = 0
                for _, name in ipairs({\(self.list)}) do count = count + redis.call('EXISTS', KEYS[1] .. ':' .. name) end
                return count
                """,
                "1",
                prefix
            )
            guard case .integer(let count) = reply else { throw RedisServer.Failure(description: "\(reply)") }
            return Int(count)
        }
    }
}
