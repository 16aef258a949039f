/// What comes in the order of hashes, which differs from process to process.
protocol JSONUnordered {
    static var order: JSONWriter.Frame.Order { get }
}

extension Set: JSONUnordered {
    static var order: JSONWriter.Frame.Order { .elements }
}

extension Dictionary: JSONUnordered {
    /// Where the keys are no strings and no integers; else the container is keyed, and known by that.
    static var order: JSONWriter.Frame.Order { .pairs }
}

extension JSONWriter {
    static func order(of type: Any.Type) -> Frame.Order {
        (type as? any JSONUnordered.Type)?.order ?? .asEncoded
    }

    private struct Part {
        let start: Int
        /// Behind its last byte, without the comma.
        let end: Int
        /// What it is sorted by: its bytes, or its name if that is written with escapes.
        let name: [UInt8]?
        let key: Range<Int>
    }

    /// Sorts the parts of a frame, of members with the same name keeping the last.
    @inline(never)
    func sortParts(of frame: Frame) {
        let stride = frame.order == .pairs ? 2 : 1
        let starts = Swift.stride(from: frame.firstPart, to: self.parts.count, by: stride).map { self.parts[$0] }
        guard let begin = starts.first, starts.count > 1 else { return }
        let unsorted = starts.indices.map { index in
            let end = index + 1 < starts.count ? starts[index + 1] - 1 : self.bytes.count
            return self.part(starts[index], end, isNamed: frame.order == .names)
        }
        var sorted = unsorted.sorted { left, right in
            let order = self.compare(left, right)
            return order < 0 || (order == 0 && left.start < right.start)
        }
        if frame.order == .names {
            var kept = sorted.startIndex
            for index in sorted.indices.dropFirst() {
                if self.compare(sorted[kept], sorted[index]) != 0 { kept += 1 }
                sorted[kept] = sorted[index]
            }
            sorted.removeSubrange((kept + 1)...)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.bytes.count - begin)
        for part in sorted {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes += UnsafeBufferPointer(start: self.bytes.base + part.start, count: part.end - part.start)
        }
        self.bytes.truncate(to: begin)
        self.write(raw: bytes)
    }

    private func part(_ start: Int, _ end: Int, isNamed: Bool) -> Part {
        guard isNamed else { return Part(start: start, end: end, name: nil, key: start..<end) }
        let raw = self.rawName(at: start)
        let isEscaped = raw.contains(UInt8(ascii: "\\"))
        return Part(
            start: start, end: end, name: isEscaped ? Array(JSONText.unescaped(raw).utf8) : nil,
            key: (start + 1)..<(start + 1 + raw.count))
    }

    private func compare(_ left: Part, _ right: Part) -> Int {
        self.withKey(left) { left in self.withKey(right) { right in compareBytes(left, right) } }
    }

    private func withKey<Result>(_ part: Part, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let name = part.name { return name.withUnsafeBytes(body) }
        return body(UnsafeRawBufferPointer(start: self.bytes.base + part.key.lowerBound, count: part.key.count))
    }
}
