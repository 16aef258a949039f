/// Writes JSON as values are encoded, straight into bytes; what all encoders and containers of one encoding refer to.
///
/// A value is open while its `encode(to:)` runs, and has a frame; frames lie on each other as the values are nested. What may be
/// written later, as a nested container that a type keeps while it goes on, is a part of its own with a writer of its own,
/// and is put in its place when the value that it belongs to ends.
final class JSONWriter {
    /// A value that is being encoded.
    struct Frame: BitwiseCopyable {
        enum Kind: UInt8, BitwiseCopyable { case none, single, object, array }

        /// In which order the parts are written: as they come, or sorted, one by one or in pairs.
        enum Order: UInt8, BitwiseCopyable { case asEncoded, elements, pairs, names }

        var kind = Kind.none
        var order: Order
        /// Tells the frame from an earlier one in the same place.
        var serial: UInt32
        /// Where its bytes begin.
        let start: Int
        /// How many members or elements were begun.
        var count = 0
        /// Where the first of its parts is in ``JSONWriter/parts``.
        var firstPart: Int
        /// The hashes of the names so far.
        var names: UInt64 = 0
    }

    /// A part with a writer of its own, and where it belongs.
    struct Insert {
        var offset: Int
        let writer: JSONWriter
    }

    // No function keeps one of these open while a type's own code runs, and an encoding stays in one task: the checks for that
    // would cost as much as the encoding itself.
    @exclusivity(unchecked) var bytes: JSONBuffer<UInt8>
    @exclusivity(unchecked) var frames: JSONBuffer<Frame>
    /// Where in the bytes the members of objects begin, and the elements of what is sorted.
    @exclusivity(unchecked) var parts: JSONBuffer<Int>
    @exclusivity(unchecked) var inserts: [Insert] = []
    /// What went wrong where nothing can be thrown; thrown by the next call that can.
    @exclusivity(unchecked) var failure: EncodingError? {
        didSet { self.hasFailed = true }
    }
    @exclusivity(unchecked) private(set) var hasFailed = false
    @exclusivity(unchecked) var isFinished = false
    @exclusivity(unchecked) var depth: Int
    /// The names in objects with many members, by their frames' serials.
    @exclusivity(unchecked) var nameSets: [UInt32: Set<KeyIdentity>] = [:]
    @exclusivity(unchecked) private var lastSerial: UInt32 = 0
    let basePath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: any Sendable]

    /// Creates the writer of a text, or of a part with the path that leads to it.
    init(
        path: [any CodingKey] = [],
        depth: Int = 0,
        userInfo: [CodingUserInfoKey: any Sendable] = [:]
    ) {
        // What is this small is allocated and freed quickly, and is enough for a small value.
        self.bytes = JSONBuffer(capacity: 480)
        self.frames = JSONBuffer(capacity: 4)
        self.parts = JSONBuffer(capacity: 24)
        self.basePath = path
        self.depth = depth
        self.userInfo = userInfo
        self.push(.asEncoded)
    }

    /// Returns a value as JSON.
    static func encode<Value: Encodable>(
        _ value: Value,
        userInfo: [CodingUserInfoKey: any Sendable]
    ) throws -> [UInt8] {
        let writer = JSONWriter(userInfo: userInfo)
        if try writer.writeKnown(value) { return Array(writer.bytes.elements) }
        writer.frames[0].order = Self.order(of: Value.self)
        try value.encode(to: writer.encoder)
        if writer.frames[0].kind == .none, !writer.hasFailed {
            throw writer.invalid(value, "the value of type \(Value.self) encoded nothing")
        }
        try writer.finish()
        return Array(writer.bytes.elements)
    }

    /// What writes into the outermost value.
    var encoder: JSONValueEncoder { JSONValueEncoder(writer: self, frame: 0, serial: 1) }

    @inline(__always)
    func push(_ order: Frame.Order) {
        self.lastSerial &+= 1
        self.frames.append(
            Frame(order: order, serial: self.lastSerial, start: self.bytes.count, firstPart: self.parts.count))
    }

    /// Throws what went wrong where nothing could be thrown.
    @inline(__always)
    func checkFailure() throws {
        if self.hasFailed, let failure = self.failure { throw failure }
    }

    /// Ends the outermost value.
    func finish() throws {
        guard !self.isFinished else { return }
        self.isFinished = true
        try self.close()
        try self.checkFailure()
    }
}
