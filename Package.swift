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
        .library(name: "KVStorageTesting", targets: ["KVStorageTesting"]),
    ],
    targets: [
        .target(name: "KVStorage", swiftSettings: settings),
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
    ],
    swiftLanguageModes: [.v6]
)
