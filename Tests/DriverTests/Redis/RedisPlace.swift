import KVStorage

@testable import KVStorageRedis

/// Where tests of several items at once are run: all items have one slot, or there are no slots.
enum RedisPlace: String, CaseIterable, Sendable {
    case server, plainServer, cluster, plainCluster

    var customMetadata: Bool { self == .server || self == .cluster }

    /// Returns a driver over a part of the shared servers' keys that nobody else has.
    func driver(
        prefix: String = "place\(UInt64.random(in: 0 ... .max))",
        _ change: (inout RedisDriver.Configuration) -> Void = { _ in }
    ) async throws -> RedisDriver {
        var configuration = RedisDriver.Configuration()
        configuration.commandTimeout = .seconds(60)
        configuration.customMetadata = self.customMetadata
        switch self {
        case .server, .plainServer:
            configuration.prefix = prefix
            change(&configuration)
            return try .redis(try RedisServer.shared.get().url, configuration)
        case .cluster, .plainCluster:
            configuration.prefix = "{\(prefix)}"
            change(&configuration)
            return try .redis(try await RedisClusterServers.shared.value.url, configuration)
        }
    }
}
