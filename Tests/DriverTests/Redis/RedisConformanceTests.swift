import KVStorage
import KVStorageRedis
import KVStorageTesting
import Synchronization
import Testing

/// Every promise on a real server, over TCP and over a unix socket. What lies above the driver, a mount or a prefix, is
/// tried with one of the subjects.
@Suite("Redis conformance", .serialized)
struct RedisConformanceTests {
    private static let places = Atomic<Int>(0)

    /// A store is a part of the shared server's keys.
    private static func subject(
        _ name: String,
        connections: Int = 1,
        prefix: String = "place",
        customMetadata: Bool = true,
        url: String,
        plant: (@Sendable (String) async throws -> PlantedNames)? = nil
    ) -> ConformanceSubject {
        ConformanceSubject(
            name,
            takesClock: false,
            place: { "\(prefix)\(Self.places.wrappingAdd(1, ordering: .relaxed).newValue)" },
            cleanUp: { place in
                let driver = try RedisDriver.redis(url, Self.configuration(place, 1, customMetadata))
                _ = try await driver.clear("")
                try await driver.dispose()
            },
            plant: plant,
            driver: { place, _ in try RedisDriver.redis(url, Self.configuration(place, connections, customMetadata)) }
        )
    }

    private static func configuration(
        _ place: String,
        _ connections: Int,
        _ customMetadata: Bool
    ) -> RedisDriver.Configuration {
        var configuration = RedisDriver.Configuration()
        configuration.customMetadata = customMetadata
        configuration.prefix = place
        configuration.connections = connections
        configuration.scanCount = 10_000
        // The tests may share a small machine with others.
        configuration.commandTimeout = .seconds(30)
        return configuration
    }

    @Test(
        arguments: try await ConformanceSuite.cases(
            for: Self.subject(
                "redis",
                url: RedisServer.shared.get().url,
                plant: { try await RedisForeignKeys.plant(below: $0, in: RedisServer.shared.get()) }
            ).variants))
    func tcp(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    @Test(
        arguments: try await ConformanceSuite.cases(
            for: [Self.subject("unix", url: RedisServer.shared.get().socketURL)]
        ))
    func unixSocket(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    @Test(
        arguments: try await ConformanceSuite.cases(
            for: [
                Self.subject("pool", connections: 3, url: RedisServer.shared.get().url)
                    .wrapped("limited") { driver, _ in try driver.limited(to: .seconds(30)) }
            ]
        )
    )
    func pool(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    /// Items spread over the nodes, and all on one as the prefix has a hash tag.
    @Test(
        arguments: try await ConformanceSuite.cases(
            for: [
                Self.subject("cluster", url: RedisClusterServers.shared.value.url),
                Self.subject("one slot", prefix: "{tag}", url: RedisClusterServers.shared.value.url),
            ]
        )
    )
    func cluster(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }

    /// Items of one key each, with one server and with a cluster.
    @Test(
        arguments: try await ConformanceSuite.cases(
            for: [
                Self.subject("plain", customMetadata: false, url: RedisServer.shared.get().url),
                Self.subject("plain cluster", customMetadata: false, url: RedisClusterServers.shared.value.url),
            ]
        )
    )
    func withoutMetadata(_ conformance: ConformanceCase) async throws {
        try await conformance.run()
    }
}
