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
    name: "playground",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "kv-storage", path: "../..", traits: ["HummingbirdSupport"]),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "Playground",
            dependencies: [
                .product(name: "KVStorage", package: "kv-storage"),
                .product(name: "KVStorageFiles", package: "kv-storage"),
                .product(name: "KVStorageHummingbird", package: "kv-storage"),
                .product(name: "KVStorageLMDB", package: "kv-storage"),
                .product(name: "KVStorageRedis", package: "kv-storage"),
                .product(name: "KVStorageSQLite", package: "kv-storage"),
                .product(name: "Sessions", package: "kv-storage"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Resources/page.js"), .embedInCode("Resources/style.css")],
            swiftSettings: settings
        ),
        .testTarget(
            name: "PlaygroundTests",
            dependencies: [
                "Playground",
                .product(name: "KVStorage", package: "kv-storage"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
