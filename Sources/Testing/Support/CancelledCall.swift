import KVStorage

/// A call that writes the item `k`, and what it makes of the item.
struct CancelledCall: Sendable {
    /// What can be seen of the item.
    enum State: Sendable, Equatable, CustomStringConvertible {
        case absent
        case item(value: Int?, hasTTL: Bool, hasFields: Bool)

        /// Where the calls begin.
        static func starts(withFields: Bool) -> [State] {
            [.absent, .item(value: 5, hasTTL: false, hasFields: withFields)]
        }

        init(of storage: Storage) async throws {
            guard let meta = try await storage.getMeta("k") else {
                self = .absent
                return
            }
            let value = try await storage.getItem("k", as: Int.self)
            self = .item(value: value, hasTTL: meta.ttl != nil, hasFields: meta.fieldBytes != nil)
        }

        func write(to storage: Storage) async throws {
            guard case .item(let value, _, let hasFields) = self else { return }
            try await storage.setItem("k", value)
            if hasFields { try await storage.setMeta("k", ["a": 1]) }
        }

        /// The item with another value, made anew if there was none.
        func with(_ value: Int, ttl: Bool = false) -> State {
            if case .item(_, _, let hasFields) = self { return .item(value: value, hasTTL: ttl, hasFields: hasFields) }
            return .item(value: value, hasTTL: ttl, hasFields: false)
        }

        var description: String {
            guard case .item(let value, let hasTTL, let hasFields) = self else { return "no item" }
            let parts = ["value \(value.map(String.init) ?? "none")"] + (hasTTL ? ["a lifetime"] : [])
            return "an item with " + (parts + (hasFields ? ["fields"] : [])).joined(separator: ", ")
        }
    }

    let name: String
    let body: @Sendable (Storage) async throws -> Void
    let effect: @Sendable (State) -> State

    init(
        _ name: String,
        effect: @escaping @Sendable (State) -> State,
        body: @escaping @Sendable (Storage) async throws -> Void
    ) {
        self.name = name
        self.body = body
        self.effect = effect
    }

    static let all: [CancelledCall] = [
        CancelledCall("setItem", effect: { $0.with(1) }) { try await $0.setItem("k", 1) },
        CancelledCall("setItem with a lifetime", effect: { $0.with(1, ttl: true) }) {
            try await $0.setItem("k", 1, ttl: .seconds(600))
        },
        CancelledCall("setItem(ifAbsent:)", effect: { $0 == .absent ? $0.with(1) : $0 }) {
            _ = try await $0.setItem("k", 1, ifAbsent: true)
        },
        CancelledCall("setItemRaw", effect: { $0.with(1) }) { try await $0.setItemRaw("k", bytes("1")) },
        CancelledCall("setItems", effect: { $0.with(1) }) { try await $0.setItems([("k", 1)]) },
        CancelledCall("removeItem", effect: { _ in .absent }) { try await $0.removeItem("k") },
        CancelledCall("removeItems", effect: { _ in .absent }) { try await $0.removeItems(["k"]) },
        CancelledCall("clear", effect: { _ in .absent }) { try await $0.clear() },
        CancelledCall("updateItem", effect: { $0.with(1) }) { try await $0.updateItem("k", default: 0) { $0 = 1 } },
        CancelledCall("updateItem to nil", effect: { _ in .absent }) {
            try await $0.updateItem("k", as: Int.self) { $0 = nil }
        },
        CancelledCall("compareAndSwapItem of no item", effect: { $0 == .absent ? $0.with(1) : $0 }) {
            _ = try await $0.compareAndSwapItem("k", expected: nil, replacement: bytes("1"))
        },
        CancelledCall("compareAndSwapItem", effect: { $0 == .absent ? $0 : $0.with(1) }) {
            _ = try await $0.compareAndSwapItem("k", expected: bytes("5"), replacement: bytes("1"))
        },
        CancelledCall("takeItem", effect: { _ in .absent }) { _ = try await $0.takeItem("k", as: Int.self) },
        CancelledCall("takeItemRaw", effect: { _ in .absent }) { _ = try await $0.takeItemRaw("k") },
        CancelledCall("incrementItem", effect: { $0 == .absent ? $0.with(2) : $0.with(7) }) {
            try await $0.incrementItem("k", by: 2)
        },
        CancelledCall("touchItem", effect: { $0 == .absent ? $0 : $0.with(5, ttl: true) }) {
            try await $0.touchItem("k", ttl: .seconds(600))
        },
        CancelledCall("removeMeta", effect: Self.removingFields) { try await $0.removeMeta("k") },
    ]

    private static func removingFields(_ state: State) -> State {
        guard case .item(let value, let hasTTL, _) = state else { return state }
        return .item(value: value, hasTTL: hasTTL, hasFields: false)
    }
}
