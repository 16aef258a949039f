/// Which driver keeps which keys.
///
/// Looking a key up costs one hash for each of its segments that a base could end at, however many mounts there are. Whoever
/// holds a table holds one state of it: ``StorageCore`` changes it in place only while nobody else holds it.
final class MountTable: Sendable {
    // All are changed only while nobody but the changing call has the table, which makes them safe to share.
    nonisolated(unsafe) private var slots: [MountPoint?]
    nonisolated(unsafe) private var freeSlots: [Int]
    /// Finds slots by the bases without their colons; the root is not in it.
    nonisolated(unsafe) private var index: HashTable
    /// The mounts in the order of their bases' bytes, the root first: what lies below a base stands together.
    nonisolated(unsafe) private var ordered: [MountPoint]
    /// How many bases have so many bytes without their colons.
    nonisolated(unsafe) private var countsByLength: [Int]
    let root: MountPoint

    init(root: MountPoint) {
        self.root = root
        self.slots = []
        self.freeSlots = []
        self.index = HashTable()
        self.ordered = [root]
        self.countsByLength = []
    }

    init(copying other: MountTable) {
        self.root = other.root
        self.slots = other.slots
        self.freeSlots = other.freeSlots
        self.index = other.index
        self.ordered = other.ordered
        self.countsByLength = other.countsByLength
    }

    /// The number of mounts, the root included.
    var count: Int { self.ordered.count }

    /// The mounts, the longest base first, the root last.
    var mounts: [MountPoint] { Self.longestFirst(self.ordered) }

    /// Returns the mount that keeps the key: of those whose base the key starts with, the one with the longest.
    func mount(for key: String) -> MountPoint {
        withKeyBytes(key) { self.mount(forBytes: $0) }
    }

    /// Returns the mount that keeps the item of that key, or `nil` if the key is a mount point.
    func mount(forItem key: String) -> MountPoint? {
        withKeyBytes(key) { bytes in
            self.find(bytes) == nil ? self.mount(forBytes: bytes) : nil
        }
    }

    /// Returns the mount at that very base, which ends in a colon unless it is the root's.
    func mount(at base: String) -> MountPoint? {
        base.isEmpty ? self.root : withKeyBytes(base) { self.find(UnsafeRawBufferPointer(rebasing: $0.dropLast())) }
    }

    /// Returns the mounts whose base lies at or below the given one, in the order of their bytes.
    func mounts(below base: String) -> ArraySlice<MountPoint> {
        let first = self.position(of: base)
        guard let end = keyUpperBound(ofBase: base) else { return self.ordered[...] }
        return self.ordered[first..<self.position(of: end)]
    }

    /// Returns the mounts above the given base, the longest first.
    func mounts(above base: String) -> [MountPoint] {
        var mounts: [MountPoint] = []
        withKeyBytes(base) { bytes in
            for end in bytes.indices.dropLast().reversed() where bytes[end] == UInt8(ascii: ":") {
                if let mount = self.find(UnsafeRawBufferPointer(rebasing: bytes[..<end])) { mounts.append(mount) }
            }
        }
        if !base.isEmpty { mounts.append(self.root) }
        return mounts
    }

    /// Returns the mounts that keep what lies below a base: those at and below it and the one that the base itself lies in.
    func mounts(concerning base: String) -> [MountPoint] {
        let owner = self.mount(for: base)
        let below = self.mounts(below: base)
        return owner.baseCount < base.utf8.count ? below + [owner] : Array(below)
    }

    /// Returns whether another mount may hide keys of this one that lie below the base.
    func hasMounts(inside mount: MountPoint, below base: String) -> Bool {
        if self.count == 1 { return false }
        let isBaseDeeper = base.utf8.count > mount.baseCount
        // The mount itself is one of those at or below its own base.
        return self.mounts(below: isBaseDeeper ? base : mount.base).count > (isBaseDeeper ? 0 : 1)
    }

    /// Returns whether another mount hides the key, given in full, from the one that it was listed by.
    func isMasked(_ key: String, inMount id: ObjectIdentifier) -> Bool {
        self.count > 1 && self.mount(forItem: key)?.id != id
    }

    private func mount(forBytes key: UnsafeRawBufferPointer) -> MountPoint {
        // Behind the longest base no colon needs a look.
        var end = min(key.count, self.countsByLength.count)
        while end > 0 {
            end -= 1
            guard key[end] == UInt8(ascii: ":") else { continue }
            if let mount = self.find(UnsafeRawBufferPointer(rebasing: key[..<end])) { return mount }
        }
        return self.root
    }

    @inline(__always)
    private func find(_ base: UnsafeRawBufferPointer) -> MountPoint? {
        guard base.count < self.countsByLength.count, self.countsByLength[base.count] > 0 else { return nil }
        let slot = self.index.find(keyHash(base)) { slot in
            guard let mount = self.slots[slot] else { return false }
            return withKeyBytes(mount.base) { other in
                other.count == base.count + 1
                    && compareBytes(UnsafeRawBufferPointer(rebasing: other.dropLast()), base) == 0
            }
        }
        return slot.flatMap { self.slots[$0] }
    }

    /// Returns where in the order a base stands or would stand.
    private func position(of base: String) -> Int {
        var low = 0
        var high = self.ordered.count
        while low < high {
            let middle = (low + high) / 2
            if keyPrecedes(self.ordered[middle].base, base) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    static func longestFirst(_ mounts: some Sequence<MountPoint>) -> [MountPoint] {
        mounts.sorted { $0.baseCount > $1.baseCount }
    }
}

extension MountTable {
    /// Adds a mount at a base that has none; only for who alone has the table.
    func insert(_ mount: MountPoint) {
        let length = mount.baseCount - 1
        guard length >= 0 else { return }
        let slot = self.freeSlots.popLast() ?? self.slots.count
        if slot == self.slots.count { self.slots.append(mount) } else { self.slots[slot] = mount }
        self.index.insert(slot, hash: Self.hash(mount))
        self.ordered.insert(mount, at: self.position(of: mount.base))
        while self.countsByLength.count <= length { self.countsByLength.append(0) }
        self.countsByLength[length] += 1
    }

    /// Takes a mount out that is in the table; only for who alone has it.
    func remove(_ mount: MountPoint) {
        guard let slot = self.slots.firstIndex(where: { $0 === mount }) else { return }
        self.slots[slot] = nil
        self.freeSlots.append(slot)
        self.index.remove(slot, hash: Self.hash(mount))
        self.ordered.remove(at: self.position(of: mount.base))
        self.countsByLength[mount.baseCount - 1] -= 1
        while self.countsByLength.last == 0 { self.countsByLength.removeLast() }
    }

    private static func hash(_ mount: MountPoint) -> UInt64 {
        withKeyBytes(mount.base) { keyHash(UnsafeRawBufferPointer(rebasing: $0.dropLast())) }
    }
}
