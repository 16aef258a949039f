/// Which driver keeps which keys; immutable, so that a call works on one state from its beginning to its end.
struct MountTable: Sendable {
    /// The mounts, the longest base first; the root is the last and always there.
    private(set) var mounts: [MountPoint]

    init(root: MountPoint) {
        self.mounts = [root]
    }

    /// Returns the mount that keeps the key: of those whose base the key starts with, the one with the longest.
    func mount(for key: String) -> MountPoint {
        // The root, at the end, has an empty base.
        for mount in self.mounts.dropLast() where keyHasPrefix(key, mount.base) { return mount }
        return self.mounts[self.mounts.count - 1]
    }

    /// Returns the mount that keeps the item of that key, or `nil` if the key is a mount point.
    func mount(forItem key: String) -> MountPoint? {
        self.mounts.count > 1 && self.isMountPoint(key) ? nil : self.mount(for: key)
    }

    /// Returns whether the key is itself the base of a mount, and so can be neither in it nor listed beside it.
    func isMountPoint(_ key: String) -> Bool {
        let count = key.utf8.count
        return self.mounts.contains { $0.baseCount == count + 1 && keyHasPrefix($0.base, key) }
    }

    func mount(at base: String) -> MountPoint? {
        self.mounts.first { keysEqual($0.base, base) }
    }

    /// Returns the mounts whose base lies at or below the given one.
    func mounts(below base: String) -> [MountPoint] {
        self.mounts.filter { keyHasPrefix($0.base, base) }
    }

    /// Returns the mounts above the given base.
    func mounts(above base: String) -> [MountPoint] {
        self.mounts.filter { $0.baseCount < base.utf8.count && keyHasPrefix(base, $0.base) }
    }

    /// Returns whether another mount hides the key, given in full, from the one that it was listed by.
    func isMasked(_ key: String, in mount: MountPoint) -> Bool {
        guard self.mounts.count > 1 else { return false }
        return self.mount(for: key) !== mount || self.isMountPoint(key)
    }

    mutating func insert(_ mount: MountPoint) {
        let index = self.mounts.firstIndex { $0.baseCount < mount.baseCount } ?? self.mounts.count
        self.mounts.insert(mount, at: index)
    }

    mutating func remove(_ mount: MountPoint) {
        self.mounts.removeAll { $0 === mount }
    }
}
