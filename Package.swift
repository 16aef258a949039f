// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

// The optimiser of Swift 6.3 crashes on some asynchronous test functions. What they test is optimised all the same, as
// in the builds that users run.
let testSettings = settings + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

let package = Package(
    name: "kv-storage",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "KVStorage", targets: ["KVStorage"]),
        .library(name: "KVStorageFiles", targets: ["KVStorageFiles"]),
        .library(name: "KVStorageHummingbird", targets: ["KVStorageHummingbird"]),
        .library(name: "KVStorageLMDB", targets: ["KVStorageLMDB"]),
        .library(name: "KVStorageRedis", targets: ["KVStorageRedis"]),
        .library(name: "KVStorageSQLite", targets: ["KVStorageSQLite"]),
        .library(name: "KVStorageTesting", targets: ["KVStorageTesting"]),
        .library(name: "Sessions", targets: ["Sessions"]),
    ],
    traits: [
        .default(enabledTraits: ["HTTPSupport"]),
        .trait(
            name: "HTTPSupport",
            description: "The product Sessions, which needs swift-crypto and swift-http-types. On by default."
        ),
        .trait(
            name: "HummingbirdSupport",
            description: "The product KVStorageHummingbird, which needs Hummingbird.",
            enabledTraits: ["HTTPSupport"]
        ),
        .trait(
            name: "RedisTLSSupport",
            description: "TLS (rediss://, rediss-cluster://) for KVStorageRedis, which needs OpenSSL's libssl."
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.10.0"),
    ],
    targets: [
        .target(name: "KVStorage", swiftSettings: settings),
        .systemLibrary(name: "CKVStorageFiles", path: "Sources/Drivers/Files/CKVStorageFiles"),
        .target(
            name: "KVStorageFiles",
            dependencies: ["KVStorage", "CKVStorageFiles"],
            path: "Sources/Drivers/Files",
            exclude: ["CKVStorageFiles"],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CKVStorageLMDB", path: "Sources/Drivers/LMDB/CKVStorageLMDB"),
        .target(
            name: "KVStorageLMDB",
            dependencies: ["KVStorage", "CKVStorageLMDB"],
            path: "Sources/Drivers/LMDB",
            exclude: ["CKVStorageLMDB"],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CKVStorageSQLite", path: "Sources/Drivers/SQLite/CKVStorageSQLite"),
        .target(
            name: "KVStorageSQLite",
            dependencies: ["KVStorage", "CKVStorageSQLite"],
            path: "Sources/Drivers/SQLite",
            exclude: ["CKVStorageSQLite"],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CKVStorageHiredis", path: "Sources/Drivers/Redis/CKVStorageHiredis"),
        .systemLibrary(name: "CKVStorageOpenSSL", path: "Sources/Drivers/Redis/CKVStorageOpenSSL"),
        .target(
            name: "KVStorageRedis",
            dependencies: [
                "KVStorage",
                "CKVStorageHiredis",
                .target(name: "CKVStorageOpenSSL", condition: .when(traits: ["RedisTLSSupport"])),
            ],
            path: "Sources/Drivers/Redis",
            exclude: ["CKVStorageHiredis", "CKVStorageOpenSSL"],
            swiftSettings: settings
        ),
        .target(
            name: "KVStorageTesting",
            dependencies: ["KVStorage"],
            path: "Sources/Testing",
            swiftSettings: settings
        ),
        .target(
            name: "Sessions",
            dependencies: [
                "KVStorage",
                "SessionsRequireHTTPSupport",
                .product(name: "Crypto", package: "swift-crypto", condition: .when(traits: ["HTTPSupport"])),
                .product(name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["HTTPSupport"])),
            ],
            resources: [
                .embedInCode("Endpoints/Client/session.js"), .embedInCode("Endpoints/Client/session.d.ts"),
            ],
            swiftSettings: settings
        ),
        // Holds one #error for whoever uses Sessions with the trait off, in place of hundreds about missing modules.
        .target(name: "SessionsRequireHTTPSupport", path: "Sources/Traits/SessionsRequireHTTPSupport"),
        .target(
            name: "KVStorageHummingbird",
            dependencies: [
                "KVStorage",
                .target(name: "Sessions", condition: .when(traits: ["HummingbirdSupport"])),
                .product(
                    name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["HummingbirdSupport"])),
                .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["HummingbirdSupport"])),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["HummingbirdSupport"])),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["HummingbirdSupport"])),
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["HummingbirdSupport"])
                ),
            ],
            path: "Sources/Hummingbird",
            swiftSettings: settings
        ),
        .testTarget(
            name: "HummingbirdTests",
            dependencies: [
                "KVStorage",
                "KVStorageHummingbird",
                "KVStorageTesting",
                .target(name: "Sessions", condition: .when(traits: ["HummingbirdSupport"])),
                .product(
                    name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["HummingbirdSupport"])),
                .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["HummingbirdSupport"])),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["HummingbirdSupport"])),
                .product(
                    name: "HummingbirdTesting",
                    package: "hummingbird",
                    condition: .when(traits: ["HummingbirdSupport"])
                ),
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["HummingbirdSupport"])
                ),
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "SessionsTests",
            dependencies: [
                "KVStorage",
                "KVStorageSQLite",
                "ChildProcess",
                "Fuzzing",
                "KVStorageTesting",
                "SessionProcess",
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["HTTPSupport"])),
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "KVStorageTests",
            dependencies: ["KVStorage", "KVStorageTesting"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "DriverTests",
            dependencies: [
                "KVStorage", "KVStorageFiles", "KVStorageLMDB", "KVStorageRedis", "KVStorageSQLite",
                "CKVStorageLMDB", "CKVStorageSQLite", "ChildProcess", "KVStorageTesting", "StorageProcess",
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ReadmeTests",
            dependencies: [
                "KVStorage",
                "KVStorageRedis",
                "KVStorageSQLite",
                "ChildProcess",
                "ReadmeExample",
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["HTTPSupport"])),
            ],
            swiftSettings: testSettings
        ),
        .executableTarget(
            name: "ReadmeExample",
            dependencies: ["KVStorage", "KVStorageSQLite"],
            path: "Tests/Programs/ReadmeExample",
            swiftSettings: settings
        ),
        .target(
            name: "Fuzzing",
            dependencies: [
                "KVStorage",
                "KVStorageTesting",
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["HTTPSupport"])),
            ],
            path: "Tests/Support/Fuzzing",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Fuzzer",
            dependencies: ["Fuzzing"],
            path: "Tests/Programs/Fuzzer",
            swiftSettings: settings
        ),
        .target(name: "ChildProcess", path: "Tests/Support/ChildProcess", swiftSettings: settings),
        .target(name: "ProcessOutput", path: "Tests/Support/ProcessOutput", swiftSettings: settings),
        .executableTarget(
            name: "SessionProcess",
            dependencies: [
                "KVStorage",
                "KVStorageSQLite",
                "ProcessOutput",
                "Sessions",
                .product(name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["HTTPSupport"])),
            ],
            path: "Tests/Programs/SessionProcess",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "StorageProcess",
            dependencies: [
                "KVStorage", "KVStorageFiles", "KVStorageLMDB", "KVStorageRedis", "KVStorageSQLite",
                "ProcessOutput",
            ],
            path: "Tests/Programs/StorageProcess",
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
