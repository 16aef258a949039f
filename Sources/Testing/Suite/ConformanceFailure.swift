/// A behaviour that a driver does not show.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// Where in the suite an expectation stands.
    public struct Location: Sendable, Hashable {
        /// The module and the file.
        public var fileID: String
        /// The line in the file.
        public var line: Int
    }

    /// The name of the behaviour.
    public internal(set) var behavior: String = ""
    /// What the driver fails to keep.
    public internal(set) var promise: Promise?
    /// What was tested.
    public internal(set) var subject: String = ""
    /// What was expected, and what came instead.
    public let expectation: String
    /// Where the expectation stands, or `nil` if an unexpected error ended the behaviour.
    public let location: Location?

    init(_ expectation: String, at location: Location?) {
        self.expectation = expectation
        self.location = location
    }

    /// Everything that is known, over a few lines.
    public var description: String {
        var text = "\(self.subject) fails \(self.behavior): \(self.expectation)"
        if let promise = self.promise { text += "\n  \(promise)" }
        if let location = self.location { text += "\n  \(location.fileID):\(location.line)" }
        return text
    }
}
