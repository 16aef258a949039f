import KVStorage

extension Behavior {
    /// Promise 4: how long an item lives.
    static let lifetimes: [Behavior] =
        TimedWrite.all.map { write in
            Behavior(
                "lifetimes.\(write.name)",
                promise: 4,
                "An item written with a lifetime is there until just before its deadline and absent from it on.",
                movesClock: true
            ) { store in
                try await write(store.storage, "k", ttl: .seconds(60))
                try await write(store.storage, "other", ttl: .milliseconds(61_001))
                store.clock.advance(by: .milliseconds(59_999))
                try expectEqual(try await store.storage.getItem("k"), 1, "the item a millisecond before its deadline")
                try expectEqual(try await store.storage.hasItem("k"), true, "hasItem then")
                store.clock.advance(by: .milliseconds(1))
                try expectEqual(try await store.storage.getItem("k", as: Int.self), nil, "the item at its deadline")
                try expectEqual(try await store.storage.hasItem("k"), false, "hasItem then")
                store.clock.advance(by: .milliseconds(1000))
                try expectEqual(try await store.storage.getItem("other"), 1, "the other item before its deadline")
                store.clock.advance(by: .milliseconds(1))
                try expectEqual(try await store.storage.getItem("other", as: Int.self), nil, "the other item")
            }
        } + [
            Behavior(
                "lifetimes.forEver",
                promise: 4,
                "A write without a lifetime is forever, whatever the item had before.",
                movesClock: true
            ) { store in
                for write in TimedWrite.all {
                    try await write(store.storage, "new:\(write.name)", ttl: .forever)
                    guard write.replaces else { continue }
                    try await store.storage.setItem("old:\(write.name)", 1, ttl: .seconds(60))
                    try await write(store.storage, "old:\(write.name)", ttl: .forever)
                }
                store.clock.advance(by: .seconds(1_000 * 365 * 86_400))
                for write in TimedWrite.all {
                    try expectEqual(
                        try await store.storage.hasItem("new:\(write.name)"), true, "the item by \(write.name)")
                    guard write.replaces else { continue }
                    let key = "old:\(write.name)"
                    try expectEqual(try await store.storage.hasItem(key), true, "the item rewritten by \(write.name)")
                    try expectEqual(try await store.storage.getMeta(key)?.ttl, nil, "what remains of it")
                }
            },
            Behavior(
                "lifetimes.overwritten",
                promise: 4,
                "A write with a lifetime replaces the one that the item had, shorter or longer.",
                movesClock: true
            ) { store in
                let writes = TimedWrite.all.filter(\.replaces)
                for write in writes {
                    for (name, old) in [("long", TTL.seconds(600)), ("short", .seconds(10)), ("ever", .forever)] {
                        try await store.storage.setItem("\(name):\(write.name)", 1, ttl: old)
                        try await write(store.storage, "\(name):\(write.name)", ttl: .seconds(60))
                    }
                }
                store.clock.advance(by: .milliseconds(59_999))
                let count = try await store.storage.getKeys().count
                try expectEqual(count, writes.count * 3, "the number of items before the new deadline")
                store.clock.advance(by: .milliseconds(1))
                try expectKeys(try await store.storage.getKeys(), [], "the keys at the new deadline")
            },
            Behavior(
                "lifetimes.kept",
                promise: 4,
                "With TTL.keep an existing item keeps its deadline, and the lifetime counts for one that is created.",
                movesClock: true
            ) { store in
                for write in TimedWrite.all.filter(\.replaces) {
                    try await store.storage.setItem("limited", 1, ttl: .seconds(60))
                    try await store.storage.setItem("ever", 1)
                    store.clock.advance(by: .seconds(10))
                    try await write(store.storage, "limited", ttl: .keep(orElse: .seconds(600)))
                    try await write(store.storage, "limited", ttl: .keep)
                    try await write(store.storage, "ever", ttl: .keep(orElse: .seconds(20)))
                    try await write(store.storage, "created", ttl: .keep(orElse: .seconds(20)))
                    store.clock.advance(by: .milliseconds(19_999))
                    try expectEqual(try await store.storage.hasItem("created"), true, "the created one, \(write.name)")
                    store.clock.advance(by: .milliseconds(1))
                    try expectEqual(try await store.storage.hasItem("created"), false, "the created one, \(write.name)")
                    store.clock.advance(by: .milliseconds(29_999))
                    try expectEqual(try await store.storage.hasItem("limited"), true, "the limited one, \(write.name)")
                    store.clock.advance(by: .milliseconds(1))
                    try expectEqual(try await store.storage.hasItem("limited"), false, "the limited one, \(write.name)")
                    store.clock.advance(by: .seconds(86_400))
                    try expectEqual(try await store.storage.hasItem("ever"), true, "the lasting one, \(write.name)")
                }
            },
            Behavior(
                "lifetimes.refused", promise: 4, "A lifetime of zero or less throws invalidOption; nothing changes."
            ) { store in
                try await store.storage.setItem("k", 5)
                for ttl in [Duration.zero, .nanoseconds(-1), .seconds(-60), .seconds(Int64.min)].map(TTL.after) {
                    for write in TimedWrite.all {
                        for key in ["k", "new"] {
                            try await expectThrows(.invalidOption, "\(write.name) with \(ttl)") {
                                try await write(store.storage, key, ttl: ttl)
                            }
                        }
                    }
                    try await expectThrows(.invalidOption, "touchItem with \(ttl)") {
                        try await store.storage.touchItem("k", ttl: ttl)
                    }
                }
                try expectKeys(try await store.storage.getKeys(), ["k"], "the keys")
                try expectEqual(try await store.storage.getItem("k"), 5, "the value")
                try expectEqual(try await store.storage.getMeta("k")?.ttl, nil, "what remains of its life")
            },
            Behavior(
                "lifetimes.longest", promise: 4, "Any positive lifetime works, a hundred years and more.",
                movesClock: true
            ) { store in
                let century = Duration.seconds(36_525 * 86_400)
                let lives = [
                    century, century * 100, .milliseconds(Int64.max), .seconds(Int64.max / 1000), .seconds(Int64.max),
                    .seconds(Int64.max - 1_780_000_000),
                ]
                for (number, ttl) in lives.enumerated() {
                    try await store.storage.setItem("k\(number)", number, ttl: .after(ttl))
                    try await store.storage.setItem("t\(number)", number)
                    try expectEqual(
                        try await store.storage.touchItem("t\(number)", ttl: .after(ttl)), true, "touching for \(ttl)")
                }
                store.clock.advance(by: century - .milliseconds(1))
                for number in lives.indices {
                    try expectEqual(
                        try await store.storage.getItem("k\(number)"), number, "the item for \(lives[number])")
                    try expectEqual(try await store.storage.getItem("t\(number)"), number, "the one touched")
                    let remaining = try await store.storage.getMeta("k\(number)")?.ttl
                    try expect(remaining.map { $0 > .zero } ?? true, "time that remains, got \(remaining ?? .zero)")
                }
                store.clock.advance(by: .milliseconds(1))
                try expectEqual(try await store.storage.hasItem("k0"), false, "the item of a hundred years, after them")
                try expectEqual(try await store.storage.hasItem("k1"), true, "the item of ten thousand years")
            },
            Behavior(
                "lifetimes.shortest", promise: 4, "A lifetime under a millisecond lasts for at most one.",
                movesClock: true
            ) { store in
                try await store.storage.setItem("k", 1, ttl: .after(.nanoseconds(1)))
                try expectEqual(try await store.storage.hasItem("k"), true, "the item, as no time has passed")
                store.clock.advance(by: .milliseconds(1))
                try expectEqual(try await store.storage.hasItem("k"), false, "the item after a millisecond")
            },
            Behavior("lifetimes.clockTurnedBack", promise: 4, "A clock that jumps back does no harm.", movesClock: true)
            { store in
                try await store.storage.setItem("k", 1, ttl: .seconds(60))
                try await store.storage.setItem("ever", 1)
                store.clock.advance(by: .seconds(-86_400))
                try expectEqual(try await store.storage.getItem("k"), 1, "the item")
                try expectEqual(try await store.storage.getItem("ever"), 1, "the lasting item")
                let remaining = try await store.storage.getMeta("k")?.ttl
                try expect(
                    remaining.map { $0 >= .seconds(60) } ?? false,
                    "time that remains, got \(String(describing: remaining))")
                try await store.storage.setItem("past", 1, ttl: .seconds(60))
                try await store.storage.updateItem("k", default: 0, ttl: .keep) { $0 += 1 }
                store.clock.advance(by: .seconds(60))
                try expectEqual(try await store.storage.hasItem("past"), false, "the item written in the past")
                try expectKeys(try await store.storage.getKeys(), ["k", "ever"], "the keys")
                store.clock.advance(by: .seconds(86_400))
                try expectKeys(try await store.storage.getKeys(), ["ever"], "the keys after the deadline")
                store.clock.advance(by: .seconds(-200_000_000_000))
                try await store.storage.setItem("before the epoch", 1, ttl: .seconds(1))
                try expectEqual(try await store.storage.hasItem("before the epoch"), true, "an item of that time")
                store.clock.advance(by: .seconds(1))
                try expectEqual(
                    try await store.storage.hasItem("before the epoch"), false, "that item after its deadline")
            },
            Behavior(
                "lifetimes.remaining", promise: 4, "getMeta tells what remains of the lifetime.", movesClock: true
            ) { store in
                try await store.storage.setItem("k", 1, ttl: .seconds(60))
                try await store.storage.setItem("ever", 1)
                try expectEqual(try await store.storage.getMeta("k")?.ttl, .seconds(60), "what remains at first")
                try expectEqual(try await store.storage.getMeta("ever")?.ttl, nil, "what remains of forever")
                store.clock.advance(by: .milliseconds(12_345))
                try expectEqual(try await store.storage.getMeta("k")?.ttl, .milliseconds(47_655), "what remains later")
                store.clock.advance(by: .milliseconds(47_654))
                try expectEqual(try await store.storage.getMeta("k")?.ttl, .milliseconds(1), "what remains in the end")
            },
            Behavior("lifetimes.touched", promise: 4, "touchItem gives a new lifetime from now on.", movesClock: true) {
                store in
                for key in ["longer", "shorter", "ever", "limited"] {
                    try await store.storage.setItem(key, key, ttl: key == "limited" ? .forever : .seconds(60))
                }
                store.clock.advance(by: .seconds(30))
                for (key, ttl) in [
                    ("longer", Duration.seconds(300) as Duration?), ("shorter", .seconds(5)), ("ever", nil),
                    ("limited", .seconds(40)),
                ] {
                    try expectEqual(
                        try await store.storage.touchItem(key, ttl: ttl.map(TTL.after) ?? .forever), true,
                        "touching \(key)")
                    try expectEqual(try await store.storage.getMeta(key)?.ttl, ttl, "what remains of \(key)")
                    try expectEqual(try await store.storage.getItem(key), key, "the value of \(key)")
                }
                store.clock.advance(by: .milliseconds(4_999))
                try expectEqual(try await store.storage.hasItem("shorter"), true, "the shorter one before its deadline")
                store.clock.advance(by: .milliseconds(1))
                try expectEqual(try await store.storage.hasItem("shorter"), false, "the shorter one at its deadline")
                store.clock.advance(by: .seconds(35))
                try expectKeys(try await store.storage.getKeys(), ["longer", "ever"], "the keys")
                store.clock.advance(by: .seconds(260))
                try expectKeys(try await store.storage.getKeys(), ["ever"], "the keys in the end")
            },
            Behavior("lifetimes.touchedAbsent", promise: 4, "touchItem creates nothing.", movesClock: true) { store in
                try await store.storage.setItem("k", 1, ttl: .seconds(1))
                try await store.storage.setItem("removed", 1)
                try await store.storage.removeItem("removed")
                store.clock.advance(by: .seconds(1))
                for key in ["k", "removed", "never"] {
                    try expectEqual(try await store.storage.touchItem(key, ttl: .seconds(9)), false, "touching \(key)")
                    try expectEqual(
                        try await store.storage.touchItem(key, ttl: .forever), false, "touching \(key) forever")
                    try expectEqual(try await store.storage.hasItem(key), false, "\(key)")
                }
                try expectKeys(try await store.storage.getKeys(), [], "the keys")
            },
        ]
}
