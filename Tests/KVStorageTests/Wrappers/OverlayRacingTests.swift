import KVStorageTesting
import Testing

@testable import KVStorage

/// Two overlays over the same layers, as two processes have them.
@Suite(.timeLimit(.minutes(5))) struct OverlayRacingTests {
    private let top = MemoryDriver()
    private let lower = MemoryDriver()
    private let pausing: PausingDriver
    private let slow: OverlayDriver
    private let other: OverlayDriver

    init() throws {
        self.pausing = PausingDriver(self.top)
        self.slow = try OverlayDriver([self.pausing, self.lower])
        self.other = try OverlayDriver([self.top, self.lower])
    }

    private func holdCommit() -> PausingDriver.Pause { self.pausing.pause(.before) { $0.operation == .commit } }

    @Test func whatAnotherWroteMeanwhileIsSeen() async throws {
        try await self.lower.setItem("n", Array("1".utf8), WriteOptions())
        let pause = self.holdCommit()
        let increment = Task { [slow] in try await slow.incrementItem("n", by: 1, WriteOptions()) }
        await pause.reached()
        #expect(try await self.other.incrementItem("n", by: 10, WriteOptions()) == 11)
        pause.resume()
        #expect(try await increment.value == 12)
        #expect(try await self.lower.getItem("n") == Array("1".utf8))
    }

    @Test func anItemIsTakenOnce() async throws {
        try await self.lower.setItem("k", [1], WriteOptions())
        let pause = self.holdCommit()
        let take = Task { [slow] in try await slow.takeItem("k") }
        await pause.reached()
        #expect(try await self.other.takeItem("k") == [1])
        pause.resume()
        #expect(try await take.value == nil)
    }

    @Test func aRemovalThatComesTooLateFindsNothing() async throws {
        try await self.lower.setItem("k", [1], WriteOptions())
        let pause = self.holdCommit()
        let removal = Task { [slow] in try await slow.removeItem("k") }
        await pause.reached()
        #expect(try await self.other.removeItem("k"))
        pause.resume()
        #expect(try await removal.value == false)
    }

    @Test func aTouchNeverBringsBackWhatWasOverwritten() async throws {
        try await self.lower.setItem("k", [1], WriteOptions())
        let pause = self.holdCommit()
        let touch = Task { [slow] in try await slow.touchItem("k", ttl: .seconds(100)) }
        await pause.reached()
        try await self.other.setItem("k", [2], WriteOptions())
        pause.resume()
        #expect(try await touch.value)
        #expect(try await self.other.getItem("k") == [2])
        #expect(try await self.other.getMeta("k")?.ttl != nil)
    }

    @Test func checksOverSeveralLayersHoldInTheInstantOfTheWrites() async throws {
        try await self.lower.setItem("below", [1], WriteOptions())
        try await self.top.setItem("above", [2], WriteOptions())
        let commit = Commit(
            checks: [.init("below", .bytes([1])), .init("above", .bytes([2])), .init("none", .absent)],
            mutations: [.set(key: "result", value: [3], options: WriteOptions()), .remove(key: "below")]
        )
        for (index, key) in ["below", "above", "none"].enumerated() {
            let pause = self.holdCommit()
            let task = Task { [slow] in try await slow.commit(commit) }
            await pause.reached()
            let before = try await self.other.getItem(key)
            try await self.other.setItem(key, [9], WriteOptions())
            pause.resume()
            #expect(try await task.value == .mismatch(index: index, current: [9]))
            #expect(try await self.other.hasItem("result") == false)
            // As it was, though not where it was.
            if let before {
                try await self.other.setItem(key, before, WriteOptions())
            } else {
                _ = try await self.other.removeItem(key)
            }
        }
        #expect(try await self.slow.commit(commit) == .committed(found: [false, true]))
        #expect(try await self.other.getItems(["below", "above", "none", "result"]) == [nil, [2], nil, [3]])
    }

    @Test func countersOfALowerLayerLoseNothing() async throws {
        for key in ["a", "b"] { try await self.lower.setItem(key, Array("5".utf8), WriteOptions()) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                let driver = number.isMultiple(of: 2) ? self.slow : self.other
                group.addTask {
                    for key in ["a", "b"] { _ = try await driver.incrementItem(key, by: 1, WriteOptions()) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await self.slow.getItems(["a", "b"]) == [Array("69".utf8), Array("69".utf8)])
    }

    @Test func oneOfManyCreatesWhatWasHidden() async throws {
        try await self.lower.setItem("k", [1], WriteOptions())
        #expect(try await self.slow.removeItem("k"))
        let created = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<16 {
                let driver = number.isMultiple(of: 2) ? self.slow : self.other
                group.addTask {
                    try await driver.compareAndSwapItem(
                        "k", expected: nil, replacement: [UInt8(number)], WriteOptions()) == .swapped
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(created == 1)
    }
}
