import Foundation
import Testing

/// What the documentation's articles name is there, and what the code cites is in an article.
@Suite struct DocumentTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func read(_ path: String) throws -> String {
        try String(contentsOf: self.root.appending(path: path), encoding: .utf8)
    }

    /// All Swift files below a folder, as one text.
    private static func sources(_ folder: String) throws -> String {
        let files = FileManager.default.enumerator(
            at: self.root.appending(path: folder), includingPropertiesForKeys: nil)
        return try (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
    }

    private static let attacks = "Sources/Sessions/Sessions.docc/Attacks.md"
    private static let requirements = "Sources/Sessions/Sessions.docc/Requirements.md"

    @Test func everyFileOfTheRequirementsIsThere() throws {
        let paths = try Self.read(Self.requirements).matches(of: /`([A-Za-z]+\/[^`]+\.swift)`/).map { String($0.1) }
        #expect(paths.count > 30)
        for path in paths {
            let file = Self.root.appending(path: "Sources/Sessions/\(path)").path
            #expect(FileManager.default.fileExists(atPath: file), "\(path)")
        }
    }

    @Test func everyNumberOfAnAttackIsInTheList() throws {
        let listed = Set(try Self.read(Self.attacks).matches(of: /\| (A\d\d) \|/).map { $0.1 })
        let tests = try Self.sources("Tests/SessionsTests").matches(of: /\bA\d\d\b/).map { $0.0 }
        let sources = try Self.sources("Sources/Sessions").matches(of: /\bA\d\d\b/).map { $0.0 }
        #expect(Set(tests) == listed, "a test for each number, and a number for each test")
        #expect(listed.isSuperset(of: sources))
    }

    @Test func everyNumberOfARequirementIsInTheList() throws {
        let listed = Set(
            try Self.read(Self.requirements).split(separator: "\n").filter { $0.hasPrefix("| R") }
                .flatMap { ($0.split(separator: "|").first ?? "").matches(of: /R\d\d/).map { $0.0 } })
        #expect(listed.count == 42)
        for folder in ["Sources/Sessions", "Tests/SessionsTests"] {
            #expect(listed.isSuperset(of: try Self.sources(folder).matches(of: /\bR\d\d\b/).map { $0.0 }), "\(folder)")
        }
    }

    @Test func thePromisesAreNumberedAsTheSuiteNumbersThem() throws {
        let headings = try Self.read("Sources/KVStorage/KVStorage.docc/Promises.md")
            .matches(of: /(?m)^### (\d+)\. (.+)$/).map { "\($0.1) \($0.2.lowercased())" }
        let text = try Self.read("Sources/Testing/Suite/Promise.swift")
        let comment = text.split(separator: "\n").prefix { $0.hasPrefix("///") }.map { $0.dropFirst(3) }.joined()
        #expect(headings.count == 15)
        for heading in headings { #expect(comment.contains(" \(heading)"), "\(heading)") }
        let numbers = try Self.sources("Sources/Testing/Behaviors").matches(of: /\bpromise: (\d+)/).map {
            Int($0.1) ?? 0
        }
        #expect(numbers.count > 100)
        #expect(numbers.allSatisfy { (1...headings.count).contains($0) })
    }
}
