extension JSONWriter {
    /// Makes a writer for a part that may be written later than what follows it, here.
    func insert() -> JSONWriter {
        let writer = JSONWriter(path: self.path(to: self.frames.count), depth: self.depth, userInfo: self.userInfo)
        self.inserts.append(Insert(offset: self.bytes.count, writer: writer))
        return writer
    }

    /// Returns the part that is the value of a member, if it is one and of that kind.
    func insert(ofMember part: Int, _ kind: Frame.Kind) -> JSONWriter? {
        let start = self.parts[part]
        let end = part + 1 < self.parts.count ? self.parts[part + 1] : self.bytes.count + 1
        let insert = self.inserts.first { start..<end ~= $0.offset }
        return insert.flatMap { !$0.writer.isFinished && $0.writer.frames[0].kind == kind ? $0.writer : nil }
    }

    /// Puts the parts of a value that ends in their places.
    @inline(never)
    func putInserts(of frame: Frame) throws {
        guard let first = self.inserts.firstIndex(where: { $0.offset >= frame.start }) else { return }
        let inserts = Array(self.inserts[first...])
        self.inserts.removeSubrange(first...)
        for insert in inserts { try insert.writer.finish() }
        let lengths = inserts.map { $0.writer.bytes.count }
        let count = self.bytes.count
        let sum = lengths.reduce(0, +)
        self.bytes.open(at: count, count: sum)
        // From the end, so that nothing is overwritten that is still to be moved.
        let base = self.bytes.base
        var (end, target) = (count, count + sum)
        for (insert, length) in zip(inserts, lengths).reversed() {
            target -= end - insert.offset
            (base + target).update(from: base + insert.offset, count: end - insert.offset)
            target -= length
            (base + target).update(from: insert.writer.bytes.base, count: length)
            end = insert.offset
        }
        guard frame.order != .asEncoded else { return }
        for part in frame.firstPart..<self.parts.count {
            let offset = self.parts[part]
            for (insert, length) in zip(inserts, lengths) where insert.offset < offset { self.parts[part] += length }
        }
    }
}
