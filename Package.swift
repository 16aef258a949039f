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

/// Where the trait is on, and only there: what stands behind it is neither cloned nor built without it.
func when(_ trait: String) -> TargetDependencyCondition? { .when(traits: [trait]) }

func product(_ name: String, of package: String, if trait: String) -> Target.Dependency {
    .product(name: name, package: package, condition: when(trait))
}

let httpTypes = product("HTTPTypes", of: "swift-http-types", if: "HTTPSupport")
let crypto = product("Crypto", of: "swift-crypto", if: "HTTPSupport")

/// What the product KVStorageHummingbird needs beside KVStorage.
let hummingbird: [Target.Dependency] = [
    .target(name: "Sessions", condition: when("HummingbirdSupport")),
    product("HTTPTypes", of: "swift-http-types", if: "HummingbirdSupport"),
    product("Hummingbird", of: "hummingbird", if: "HummingbirdSupport"),
    product("Logging", of: "swift-log", if: "HummingbirdSupport"),
    product("NIOCore", of: "swift-nio", if: "HummingbirdSupport"),
    product("ServiceLifecycle", of: "swift-service-lifecycle", if: "HummingbirdSupport"),
]

/// The drivers' products, a folder each in Sources/Drivers.
let drivers: [Target.Dependency] = ["KVStorageFiles", "KVStorageLMDB", "KVStorageRedis", "KVStorageSQLite"]

/// Creates a driver's target and those of its C shims, which lie in its folder; `optional` ones come with a trait.
func driver(_ name: String, shims: [String], optional: [String: String] = [:]) -> [Target] {
    let path = "Sources/Drivers/\(name)"
    let all = shims + optional.keys.sorted()
    let needed: [Target.Dependency] = shims.map { .target(name: $0) }
    let wanted: [Target.Dependency] = optional.map { .target(name: $0.key, condition: when($0.value)) }
    return all.map { .systemLibrary(name: $0, path: "\(path)/\($0)") } + [
        .target(
            name: "KVStorage\(name)",
            dependencies: ["KVStorage"] + needed + wanted,
            path: path,
            exclude: all,
            swiftSettings: settings
        )
    ]
}

/// Creates a library of Tests/Support, or a program of Tests/Programs, that the suites share.
func support(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/Support/\(name)", swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "Tests/Programs/\(name)", swiftSettings: settings)
}

func suite(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: testSettings)
}

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
        .target(
            name: "KVStorageTesting", dependencies: ["KVStorage"], path: "Sources/Testing", swiftSettings: settings),
        .target(
            name: "Sessions",
            dependencies: ["KVStorage", "SessionsRequireHTTPSupport", crypto, httpTypes],
            resources: [
                .embedInCode("Endpoints/Client/session.js"), .embedInCode("Endpoints/Client/session.d.ts"),
            ],
            swiftSettings: settings
        ),
        // Holds one #error for whoever uses Sessions with the trait off, instead of hundreds about missing modules.
        .target(name: "SessionsRequireHTTPSupport", path: "Sources/Traits/SessionsRequireHTTPSupport"),
        .target(
            name: "KVStorageHummingbird",
            dependencies: ["KVStorage"] + hummingbird,
            path: "Sources/Hummingbird",
            swiftSettings: settings
        ),

        support("ChildProcess"),
        support("ProcessOutput"),
        support("Fuzzing", ["KVStorage", "KVStorageTesting", "Sessions", httpTypes]),
        program("Fuzzer", ["Fuzzing"]),
        program("ReadmeExample", ["KVStorage", "KVStorageSQLite"]),
        program("SessionProcess", ["KVStorage", "ProcessOutput", "Sessions", httpTypes] + drivers),
        program("StorageProcess", ["KVStorage", "ProcessOutput"] + drivers),

        suite("KVStorageTests", ["KVStorage", "KVStorageTesting"]),
        suite(
            "DriverTests",
            ["KVStorage", "CKVStorageLMDB", "CKVStorageSQLite", "ChildProcess", "KVStorageTesting", "StorageProcess"]
                + drivers
        ),
        suite(
            "SessionsTests",
            [
                "KVStorage", "ChildProcess", "Fuzzing", "KVStorageTesting", "SessionProcess", "Sessions", httpTypes,
            ] + drivers
        ),
        suite(
            "HummingbirdTests",
            ["KVStorage", "KVStorageHummingbird", "KVStorageTesting"] + hummingbird
                + [product("HummingbirdTesting", of: "hummingbird", if: "HummingbirdSupport")]
        ),
        suite(
            "ReadmeTests",
            [
                "KVStorage", "KVStorageRedis", "KVStorageSQLite", "ChildProcess", "ReadmeExample", "Sessions",
                httpTypes,
            ]
        ),
    ]
        + driver("Files", shims: ["CKVStorageFiles"])
        + driver("LMDB", shims: ["CKVStorageLMDB"])
        + driver("SQLite", shims: ["CKVStorageSQLite"])
        + driver("Redis", shims: ["CKVStorageHiredis"], optional: ["CKVStorageOpenSSL": "RedisTLSSupport"]),
    swiftLanguageModes: [.v6]
)
