/// Deadlines in order, the earliest first: a binary heap.
///
/// A changed or removed item leaves its old deadline behind; whoever takes the first one out asks whether it still holds.
struct DeadlineQueue {
    typealias Element = (deadline: Int64, slot: Int)

    private var heap: [Element] = []
    // How many of the heap's elements no longer hold.
    private var staleCount = 0

    var count: Int { self.heap.count }

    var first: Element? { self.heap.first }

    /// Whether rebuilding would give back more than half.
    var isMostlyStale: Bool { self.heap.count > 64 && self.staleCount * 2 > self.heap.count }

    /// Notes that one of the deadlines no longer holds.
    mutating func forgetOne() {
        self.staleCount += 1
    }

    /// Drops the elements that no longer hold, and the memory that they took.
    mutating func removeStale(_ holds: (Element) -> Bool) {
        // Sorted is a heap too.
        self.heap = self.heap.filter(holds).sorted { $0.deadline < $1.deadline }
        self.staleCount = 0
    }

    mutating func insert(_ deadline: Int64, _ slot: Int) {
        self.heap.append((deadline, slot))
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child].deadline < self.heap[parent].deadline else { return }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        self.staleCount = max(0, self.staleCount - 1)
        self.heap.swapAt(0, self.heap.count - 1)
        self.heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < self.heap.count && self.heap[child].deadline < self.heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            self.heap.swapAt(parent, least)
            parent = least
        }
    }
}
