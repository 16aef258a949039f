// swift-tools-version: 6.2
import PackageDescription

// Outside the root's graph: a program as somebody would write it who wants KVStorage and nothing else. The check also
// resolves it with the default traits, to see what those clone.
let traits: Set<Package.Dependency.Trait> = Context.environment["LINKAGE_TEST_TRAITS"] == "default" ? [.defaults] : []

// And it builds a program that uses Sessions without the trait, to see how that fails.
let product = Context.environment["LINKAGE_TEST_PRODUCT"] ?? "KVStorage"

let package = Package(
    name: "linkage-test",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "kv-storage", path: "../..", traits: traits)
    ],
    targets: [
        .executableTarget(
            name: product == "KVStorage" ? "LinkageTest" : "\(product)WithoutTrait",
            dependencies: [.product(name: product, package: "kv-storage")]
        )
    ],
    swiftLanguageModes: [.v6]
)
