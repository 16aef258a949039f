/// Memory that grows, for elements that are copied bit by bit.
struct JSONBuffer<Element: BitwiseCopyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        self.base = .allocate(capacity: self.capacity)
    }

    deinit { self.base.deallocate() }

    /// The element at an index, which has to be below the count.
    @inline(__always)
    subscript(_ index: Int) -> Element {
        get {
            assert(index >= 0 && index < self.count)
            return self.base[index]
        }
        set {
            assert(index >= 0 && index < self.count)
            self.base[index] = newValue
        }
    }

    /// The elements, valid until the next change.
    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: self.base, count: self.count) }

    /// Makes room for as many more.
    @inline(__always)
    mutating func reserve(_ additional: Int) {
        if self.capacity - self.count < additional { self.grow(additional) }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        self.reserve(1)
        self.base[self.count] = element
        self.count += 1
    }

    /// Appends what there is room for already, by ``reserve(_:)``.
    @inline(__always)
    mutating func appendReserved(_ element: Element) {
        assert(self.count < self.capacity)
        self.base[self.count] = element
        self.count += 1
    }

    @inline(__always)
    mutating func append(_ elements: UnsafeBufferPointer<Element>) {
        guard let start = elements.baseAddress else { return }
        self.reserve(elements.count)
        (self.base + self.count).update(from: start, count: elements.count)
        self.count += elements.count
    }

    mutating func truncate(to count: Int) {
        assert(count <= self.count)
        self.count = count
    }

    /// Removes a part; what follows it moves forward.
    mutating func remove(_ range: Range<Int>) {
        assert(range.upperBound <= self.count)
        (self.base + range.lowerBound).update(
            from: self.base + range.upperBound, count: self.count - range.upperBound)
        self.count -= range.count
    }

    /// Makes room in the middle, which the caller fills; what follows moves back.
    mutating func open(at index: Int, count: Int) {
        assert(index <= self.count)
        self.reserve(count)
        (self.base + index + count).update(from: self.base + index, count: self.count - index)
        self.count += count
    }

    @inline(never)
    private mutating func grow(_ additional: Int) {
        let capacity = max(self.capacity * 2, self.count + additional)
        let base = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        base.update(from: self.base, count: self.count)
        self.base.deallocate()
        self.base = base
        self.capacity = capacity
    }
}
