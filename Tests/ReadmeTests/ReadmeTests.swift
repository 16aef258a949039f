import ChildProcess
import Foundation
import Testing

/// What the README shows is what this target compiles and runs.
@Suite struct ReadmeTests {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    private static func read(_ path: String) throws -> String {
        try String(contentsOf: self.tests.appending(path: path), encoding: .utf8)
    }

    /// The last one is compiled and run where its trait is on.
    private static let snippets = [
        "ReadmeTests/StorageSnippets.swift", "ReadmeTests/WrapperSnippets.swift", "ReadmeTests/SessionSnippets.swift",
        "HummingbirdTests/HummingbirdSnippets.swift",
    ]

    @Test func everySnippetIsCompiledHere() throws {
        let shown = try Self.read("../README.md").blocks(from: "```swift", to: "```")
        let compiled =
            try [Self.read("Programs/ReadmeExample/main.swift").trimmingCharacters(in: .newlines)]
            + Self.snippets.flatMap { try Self.read($0).blocks(from: "// README: begin", to: "// README: end") }
        #expect(!shown.isEmpty)
        for block in shown where !compiled.contains(block) {
            Issue.record("the README shows code that no test compiles:\n\(block)")
        }
        for block in compiled where !shown.contains(block) {
            Issue.record("the README does not show this code, or not as it is compiled:\n\(block)")
        }
    }

    @Test func theExampleRuns() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let example = try ChildProcess.path(ofProduct: "ReadmeExample")
        let process = try ChildProcess("/bin/sh", ["-c", #"cd "$0" && exec "$1""#, folder.path, example])
        #expect(await process.lines() == ["Ada 1"])
        #expect(await process.status() == 0)
        #expect(FileManager.default.fileExists(atPath: folder.appending(path: "users.db").path))
    }
}

extension String {
    /// Returns the code between lines that hold the marks, without their indentation, lines marked "not shown" left out.
    fileprivate func blocks(from begin: String, to end: String) -> [String] {
        var blocks: [String] = []
        var block: [Substring]?
        var indentation = 0
        for line in self.split(separator: "\n", omittingEmptySubsequences: false) {
            let text = line.drop { $0 == " " }
            if block == nil, text == begin {
                block = []
                indentation = line.count - text.count
            } else if let lines = block, text == end {
                blocks.append(lines.joined(separator: "\n"))
                block = nil
            } else if !text.hasSuffix("// not shown") {
                block?.append(text.isEmpty ? text : line.dropFirst(indentation))
            }
        }
        return blocks
    }
}
