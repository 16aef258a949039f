// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "kv-storage-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "kv-storage", path: "..", traits: ["HTTPSupport"]),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/ordo-one/benchmark.git", from: "1.38.0", traits: []),
    ],
    targets: [
        // The libraries below the drivers, used by hand.
        .target(
            name: "CBaselines",
            linkerSettings: [.linkedLibrary("hiredis"), .linkedLibrary("lmdb"), .linkedLibrary("sqlite3")]
        ),
        // What is measured, the same for both ways of measuring.
        .target(
            name: "Workloads",
            dependencies: [
                "CBaselines",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "KVStorage", package: "kv-storage"),
            ],
            swiftSettings: settings
        ),
        // `make bench`: ours beside a baseline in one run.
        .executableTarget(
            name: "RatioBenchmarks",
            dependencies: [
                "Workloads",
                .product(name: "KVStorage", package: "kv-storage"),
                .product(name: "KVStorageFiles", package: "kv-storage"),
                .product(name: "KVStorageLMDB", package: "kv-storage"),
                .product(name: "KVStorageRedis", package: "kv-storage"),
                .product(name: "KVStorageSQLite", package: "kv-storage"),
                .product(name: "Sessions", package: "kv-storage"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        // `make bench-detail`: ours alone, percentiles. The plugin wants a folder directly below one named Benchmarks.
        .executableTarget(
            name: "DriverBenchmarks",
            dependencies: [
                "Workloads",
                .product(name: "KVStorage", package: "kv-storage"),
                .product(name: "KVStorageFiles", package: "kv-storage"),
                .product(name: "KVStorageLMDB", package: "kv-storage"),
                .product(name: "KVStorageSQLite", package: "kv-storage"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "DriverBenchmarks",
            swiftSettings: settings,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
