import KVStorage

/// Which keys are not the driver's affair.
struct IgnorePatterns: Sendable {
    /// One pattern, split into segments of Unicode scalars.
    private let patterns: [[[Unicode.Scalar]]]

    init(_ patterns: [String]) throws(StorageError) {
        var compiled: [[[Unicode.Scalar]]] = []
        for pattern in patterns {
            let segments = pattern.unicodeScalars.split { $0 == "/" || $0 == ":" }.map(Array.init)
            guard !segments.isEmpty else {
                throw StorageError(.invalidOption, "the ignore pattern \"\(pattern)\" names nothing; leave it out")
            }
            compiled.append(segments)
        }
        self.patterns = compiled
    }

    var isEmpty: Bool { self.patterns.isEmpty }

    /// Returns whether a pattern matches the key or a branch that it is below.
    func matches(_ key: String) -> Bool {
        guard !self.isEmpty else { return false }
        let segments = key.unicodeScalars.split(separator: ":", omittingEmptySubsequences: false).map(Array.init)
        return self.patterns.contains { pattern in
            segments.indices.contains { Self.matches(pattern[...], segments[...$0]) }
        }
    }

    private static func matches(
        _ pattern: ArraySlice<[Unicode.Scalar]>, _ segments: ArraySlice<[Unicode.Scalar]>
    ) -> Bool {
        guard let first = pattern.first else { return segments.isEmpty }
        if first == ["*", "*"] {
            let rest = pattern.dropFirst()
            return (0...segments.count).contains { self.matches(rest, segments.dropFirst($0)) }
        }
        guard let segment = segments.first, self.matches(first, segment) else { return false }
        return self.matches(pattern.dropFirst(), segments.dropFirst())
    }

    /// Matches one segment in time linear in its length for each star.
    private static func matches(_ pattern: [Unicode.Scalar], _ segment: [Unicode.Scalar]) -> Bool {
        var position = 0
        var index = 0
        var afterStar: Int?
        var retry = 0
        while index < segment.count {
            if position < pattern.count, pattern[position] == "*" {
                position += 1
                afterStar = position
                retry = index
            } else if position < pattern.count, pattern[position] == "?" || pattern[position] == segment[index] {
                position += 1
                index += 1
            } else if let star = afterStar {
                // The star takes one more.
                position = star
                retry += 1
                index = retry
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == "*" }
    }
}
