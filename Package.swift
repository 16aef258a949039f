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
    name: "kv-storage",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "KVStorage", targets: ["KVStorage"]),
        .library(name: "KVStorageSQLite", targets: ["KVStorageSQLite"]),
        .library(name: "KVStorageTesting", targets: ["KVStorageTesting"]),
    ],
    targets: [
        .target(name: "KVStorage", swiftSettings: settings),
        .systemLibrary(name: "CKVStorageSQLite", path: "Sources/Drivers/SQLite/CKVStorageSQLite"),
        .target(
            name: "KVStorageSQLite",
            dependencies: ["KVStorage", "CKVStorageSQLite"],
            path: "Sources/Drivers/SQLite",
            exclude: ["CKVStorageSQLite"],
            swiftSettings: settings
        ),
        .target(
            name: "KVStorageTesting",
            dependencies: ["KVStorage"],
            path: "Tests/KVStorageTesting",
            swiftSettings: settings
        ),
        .testTarget(
            name: "KVStorageTests",
            dependencies: ["KVStorage", "KVStorageTesting"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DriverTests",
            dependencies: ["KVStorage", "KVStorageSQLite", "CKVStorageSQLite", "KVStorageTesting", "StorageProcess"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "StorageProcess",
            dependencies: ["KVStorage", "KVStorageSQLite"],
            path: "Tests/StorageProcess",
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
