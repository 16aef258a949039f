// swift-tools-version: 6.2
import PackageDescription

// Outside the root's graph: a program as somebody would write it who wants KVStorage and nothing else.
let package = Package(
    name: "linkage-test",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "kv-storage", path: "../..", traits: [])
    ],
    targets: [
        .executableTarget(
            name: "LinkageTest",
            dependencies: [.product(name: "KVStorage", package: "kv-storage")]
        )
    ],
    swiftLanguageModes: [.v6]
)
