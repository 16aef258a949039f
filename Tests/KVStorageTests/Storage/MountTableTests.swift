import KVStorageTesting
import Testing

@testable import KVStorage

@Suite struct MountTableTests {
    private func point(_ base: String) -> MountPoint { MountPoint(base: base, driver: MemoryDriver(), ttl: .forever) }

    /// The answers by going through all mounts.
    private struct Model {
        var mounts: [MountPoint]

        func mount(for key: String) -> MountPoint? {
            self.mounts.filter { keyHasPrefix(key, $0.base) }.max { $0.baseCount < $1.baseCount }
        }

        func mount(forItem key: String) -> MountPoint? {
            self.mounts.contains { keysEqual($0.base, key + ":") } ? nil : self.mount(for: key)
        }
    }

    @Test func findsWhatAnOrderedSearchFinds() {
        var random = SeededGenerator(seed: 7)
        let segments = ["a", "b", "ab", "caf\u{E9}", "cafe\u{301}", "x\u{600}", "0", "long segment of many bytes"]
        func path() -> String {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in segments.randomElement(using: &random) ?? "a" }
                .joined(separator: ":")
        }
        let root = self.point("")
        let table = MountTable(root: root)
        var model = Model(mounts: [root])
        for _ in 0..<1500 {
            let base = path() + ":"
            if let index = model.mounts.firstIndex(where: { keysEqual($0.base, base) }) {
                #expect(table.mount(at: base) === model.mounts[index])
                if Bool.random(using: &random) {
                    table.remove(model.mounts[index])
                    model.mounts.remove(at: index)
                }
            } else if model.mounts.count < 60 {
                #expect(table.mount(at: base) == nil)
                let mount = self.point(base)
                table.insert(mount)
                model.mounts.append(mount)
            }
            #expect(table.count == model.mounts.count)
            for key in [path(), path() + ":" + path()] {
                #expect(table.mount(for: key) === model.mount(for: key))
                #expect(table.mount(for: key + ":") === model.mount(for: key + ":"))
                #expect(table.mount(forItem: key) === model.mount(forItem: key))
                let below = model.mounts.filter { keyHasPrefix($0.base, key + ":") }
                #expect(Set(table.mounts(below: key + ":").map(\.id)) == Set(below.map(\.id)))
                let above = model.mounts.filter {
                    $0.baseCount < key.utf8.count + 1 && keyHasPrefix(key + ":", $0.base)
                }
                #expect(
                    table.mounts(above: key + ":").map(\.id) == above.sorted { $0.baseCount > $1.baseCount }.map(\.id))
            }
        }
        #expect(Set(table.mounts.map(\.id)) == Set(model.mounts.map(\.id)))
        #expect(table.mounts.last === root)
    }

    @Test func manyMountsAreNoBurden() async throws {
        let storage = Storage()
        let tenant = CountingDriver()
        try storage.mount("tenant0", tenant)
        for number in 1..<3000 { try storage.mount("tenant\(number)", .null) }
        try await storage.setItem("tenant0:a", 1)
        #expect(try await storage.getItem("tenant0:a") == 1)
        #expect(try await storage.getKeys("tenant0") == ["tenant0:a"])
        #expect(try await storage.getKeys() == ["tenant0:a"])
        #expect(try await storage.clear() == 1)
        for number in 0..<3000 { try await storage.unmount("tenant\(number)") }
        #expect(storage.getMounts().count == 1)
    }
}
