import KVStorage

extension Behavior {
    /// Promise 2: values come back as they were stored.
    static let values: [Behavior] = [
        Behavior("values.bytes", promise: 2, "Bytes are stored as they are and read as they were stored.") { store in
            let samples: [[UInt8]] = [
                [], [0], [0, 0, 0], Array(0...255), Array((0...255).reversed()), [0xFF, 0xFE, 0xFD], [0xC3, 0x28],
                bytes("text\r\n"), bytes("\n"), bytes(" padded "), [1, 0], [0, 1], bytes("base64:AQID"),
                [0xEF, 0xBB, 0xBF],
            ]
            for (number, sample) in samples.enumerated() { try await store.storage.setItemRaw("k\(number)", sample) }
            for (number, sample) in samples.enumerated() {
                try expectEqual(
                    try await store.storage.getItemRaw("k\(number)"), sample, "the bytes of sample \(number)")
            }
        },
        Behavior("values.empty", promise: 2, "An empty value is an item, unlike an absent one.") { store in
            try await store.storage.setItemRaw("empty", [])
            try expectEqual(try await store.storage.getItemRaw("empty"), [], "the item")
            try expectEqual(try await store.storage.hasItem("empty"), true, "hasItem")
            try expectEqual(try await store.storage.getItemsRaw(["empty", "absent"]), [[], nil], "both read at once")
            try expectKeys(try await store.storage.getKeys(), ["empty"], "the keys")
            let mistaken = try await store.storage.compareAndSwapItem("empty", expected: nil, replacement: [1])
            try expectEqual(mistaken, false, "taking it for absent")
            let other = try await store.storage.compareAndSwapItem("absent", expected: [], replacement: [1])
            try expectEqual(other, false, "taking an absent item for an empty one")
            try expectEqual(try await store.storage.takeItemRaw("empty"), [], "taking it")
            try expectEqual(try await store.storage.hasItem("empty"), false, "hasItem after it was taken")
        },
        Behavior(
            "values.large",
            promise: 2,
            "A value of a mebibyte is stored whole.",
            requires: { $0.isWritable && ($0.maximumValueBytes ?? .max) > 2 << 20 }
        ) { store in
            var random = SeededGenerator(seed: 2)
            let large = (0..<(1 << 20)).map { _ in UInt8.random(in: 0...255, using: &random) }
            try await store.storage.setItemRaw("large", large)
            try await store.storage.setItemRaw("next", [1])
            try expectBytes(try await store.storage.getItemRaw("large"), large, "the mebibyte")
            try await store.storage.setItemRaw("large", [2])
            try expectEqual(try await store.storage.getItemRaw("large"), [2], "the short value that replaced it")
            try expectEqual(try await store.storage.getItemRaw("next"), [1], "the item beside it")
        },
        Behavior(
            "values.larger",
            promise: 2,
            "A value of one byte over a mebibyte, and one of 20 MiB, is stored whole by every call.",
            scope: .driver,
            requires: { $0.isWritable && ($0.maximumValueBytes ?? .max) > 1 << 20 }
        ) { store in
            let limit = store.capabilities.maximumValueBytes ?? .max
            for size in [1 << 20 + 1, 5 << 20 + 3, 20 << 20] where size <= limit {
                // Other bytes in each page and part than in the next, without making each of them.
                let part = (0..<4_099).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ size) }
                var value: [UInt8] = []
                value.reserveCapacity(size + part.count)
                while value.count < size { value += part }
                value.removeLast(value.count - size)
                try await store.storage.setItemRaw("set", value)
                try expectBytes(try await store.storage.getItemRaw("set"), value, "the item set")
                try await store.storage.removeItem("set")
                guard size <= 5 << 20 + 3 else { continue }
                try await store.storage.setItemsRaw([("batch", value), ("beside", [1])])
                try expectBytes(try await store.storage.getItemsRaw(["batch"])[0], value, "the item set in a batch")
                let isSwapped = try await store.storage.compareAndSwapItem("swap", expected: nil, replacement: value)
                try expectEqual(isSwapped, true, "a swap of no item for a large one")
                try expectBytes(try await store.storage.takeItemRaw("swap"), value, "the item that was taken")
                try expectEqual(try await store.storage.getItemRaw("beside"), [1], "the item beside it")
            }
        },
        Behavior(
            "values.tooLarge",
            promise: 12,
            "A value over the engine's limit throws tooLarge, and what was there stays.",
            requires: { $0.isWritable && ($0.maximumValueBytes ?? .max) <= 128 << 20 }
        ) { store in
            try await store.storage.setItemRaw("k", [1])
            let larger = [UInt8](repeating: 7, count: (store.capabilities.maximumValueBytes ?? 0) + 1)
            try await expectThrows(.tooLarge, "setItemRaw") { try await store.storage.setItemRaw("k", larger) }
            try await expectThrows(.tooLarge, "compareAndSwapItem") {
                try await store.storage.compareAndSwapItem("k", expected: [1], replacement: larger)
            }
            try await expectThrows(.tooLarge, "setItemsRaw") { try await store.storage.setItemsRaw([("k", larger)]) }
            try expectEqual(try await store.storage.getItemRaw("k"), [1], "the item")
        },
        Behavior("values.text", promise: 2, "A String is stored as its text and read as the same text.") { store in
            let texts = [
                "123", "1.0", "-0", "1e3", "null", "true", "false", "undefined", "NaN", "", " ", " 42 ", "{}", "[1]",
                "\"q\"",
                "{\"a\":1}", "{bad", "\\", "line\nline", "\u{1F600}", "e\u{301}", "base64:AQID", "9007199254740993",
                "\0",
            ]
            for (number, text) in texts.enumerated() {
                let key = "k\(number)"
                try await store.storage.setItem(key, text)
                let value = try await store.storage.getItem(key, as: String.self)
                try expectEqual(value.map(bytes), bytes(text), "the text \(text.debugDescription)")
                try expectEqual(try await store.storage.getItemRaw(key), bytes(text), "its bytes")
            }
        },
        Behavior("values.codable", promise: 2, "Any other Codable value goes through the codec and is read the same.") {
            store in
            let sample = Sample.sample
            try await store.storage.setItem("sample", sample)
            try expectEqual(try await store.storage.getItem("sample"), sample, "the sample")
            try await store.storage.setItem("list", [sample, sample])
            try expectEqual(try await store.storage.getItem("list"), [sample, sample], "a list")
            try await store.storage.setItem("integer", Int.min)
            try expectEqual(try await store.storage.getItem("integer"), Int.min, "an integer")
            try await store.storage.setItem("flag", false)
            try expectEqual(try await store.storage.getItem("flag"), false, "a Boolean")
            let dynamic: StorageValue = ["a": [1, 2.5, "x", nil, true], "b": [:]]
            try await store.storage.setItem("dynamic", dynamic)
            try expectEqual(try await store.storage.getItem("dynamic"), dynamic, "a dynamic value")
        },
        Behavior("values.wrongType", promise: 2, "Reading another type throws decoding with the key; the value stays.")
        { store in
            try await store.storage.setItem("a/k", "not a number: 1234567")
            let error = try await expectThrows(.decoding, "getItem") {
                try await store.storage.getItem("a/k", as: Int.self)
            }
            try expectEqual(error.key, "a:k", "the key that the error names")
            try expect(error.message.contains("Int"), "the type in the message: \(error.message)")
            try expect(!"\(error.message)".contains("1234567"), "no value in the message: \(error.message)")
            try await expectThrows(.decoding, "getItems") { try await store.storage.getItems(["a:k"], as: Int.self) }
            try await expectThrows(.decoding, "updateItem") {
                try await store.storage.updateItem("a:k", default: 0) { $0 += 1 }
            }
            try await expectThrows(.decoding, "takeItem") { try await store.storage.takeItem("a:k", as: Int.self) }
            try await expectThrows(.decoding, "incrementItem") { try await store.storage.incrementItem("a:k") }
            try await store.storage.setItemRaw("binary", [0xFF, 0xFE])
            try await expectThrows(.decoding, "getItem of bytes that are no text") {
                try await store.storage.getItem("binary", as: String.self)
            }
            try expectEqual(try await store.storage.getItem("a:k"), "not a number: 1234567", "the value")
            try expectEqual(try await store.storage.getItemRaw("binary"), [0xFF, 0xFE], "the bytes")
        },
        Behavior(
            "values.unencodable", promise: 2, "A value that the codec can't express throws encoding; nothing changes."
        ) { store in
            try await store.storage.setItem("k", 1.5)
            for value in [Double.nan, .infinity] {
                try await expectThrows(.encoding, "setItem") { try await store.storage.setItem("k", value) }
                try await expectThrows(.encoding, "setItems") {
                    try await store.storage.setItems([("new", 1), ("k", value)])
                }
                try await expectThrows(.encoding, "updateItem") {
                    try await store.storage.updateItem("k", default: 0.0) { $0 = value }
                }
            }
            try expectEqual(try await store.storage.getItem("k"), 1.5, "the value")
            try expectKeys(try await store.storage.getKeys(), ["k"], "the keys")
        },
        Behavior("values.overwritten", promise: 2, "Writing replaces what was there, longer or shorter.") { store in
            let sizes = [10, 5000, 0, 1, 70_000, 3, 3, 4096, 0]
            for (number, size) in sizes.enumerated() {
                let value = [UInt8](repeating: UInt8(number), count: size)
                try await store.storage.setItemRaw("k", value)
                try expect(try await store.storage.getItemRaw("k") == value, "\(size) bytes of \(number)")
                try expectEqual(try await store.storage.getMeta("k")?.size ?? size, size, "the size")
                try expectKeys(try await store.storage.getKeys(), ["k"], "the keys")
            }
        },
        Behavior("values.nilRemoves", promise: 2, "Setting nil removes the item.") { store in
            try await store.storage.setItem("a", 1)
            try await store.storage.setItem("a", nil as Int?)
            try await store.storage.setItem("c", nil as String?)
            try expectKeys(try await store.storage.getKeys(), [], "the keys")
        },
        Behavior(
            "values.optionals", promise: 2, "An optional is stored and read as the value that it holds, text included."
        ) { store in
            let texts = store.storage.prefixed("texts", of: String?.self)
            for text in ["hello", "", "null", "1", "\"q\""] {
                try await texts.setItem("k", .some(text))
                try expectEqual(try await texts.getItem("k"), .some(.some(text)), "the text \(text.debugDescription)")
                // What would read as something else, as null does, is kept in the codec's own form.
                guard text == "hello" || text == "1" else { continue }
                try expectEqual(try await store.storage.getItem("texts:k"), text, "the same as a String")
            }
            for name in ["first", "second"] {
                try await store.storage.updateItem("text", default: nil as String?) { $0 = name }
                try expectEqual(try await store.storage.getItem("text"), name, "the text after an update")
            }
            let numbers = store.storage.prefixed("numbers", of: Int?.self)
            try await numbers.setItem("k", .some(7))
            try expectEqual(try await numbers.getItem("k"), .some(.some(7)), "the number")
            try await numbers.updateItem("k", default: nil) { $0 = ($0 ?? 0) + 1 }
            try expectEqual(try await store.storage.getItem("numbers:k"), 8, "the number after an update")
        },
        Behavior(
            "values.textBacked", promise: 2,
            "A type that is text to the codec is read from bare text, as from its own encoding."
        ) { store in
            try await store.storage.setItemRaw("bare", bytes("active"))
            try expectEqual(try await store.storage.getItem("bare"), Status.active, "an enumeration")
            try expectEqual(try await store.storage.getItem("bare"), Name(rawValue: "active"), "a type around a String")
            try await store.storage.updateItem("bare", default: Status.active) { $0 = .closed }
            try expectEqual(try await store.storage.getItem("bare"), Status.closed, "the enumeration after an update")
            try await store.storage.setItem("own", Status.active)
            try expectEqual(try await store.storage.getItem("own"), Status.active, "an enumeration that was encoded")
            try await store.storage.setItemRaw("bare", bytes("unheard of"))
            try await expectThrows(.decoding, "an enumeration of text that is none of its cases") {
                try await store.storage.getItem("bare", as: Status.self)
            }
            try expectEqual(try await store.storage.getItem("bare"), "unheard of", "the text")
        },
        Behavior("values.unstorageText", promise: 2, "Text that unstorage wrote can be read.") { store in
            try await store.storage.setItemRaw("bare", bytes("hello world"))
            try await store.storage.setItemRaw("json", bytes("{\"a\":[1,null]}"))
            try await store.storage.setItemRaw("raw", bytes("base64:AQL/"))
            try expectEqual(
                try await store.storage.getItem("bare"), StorageValue.string("hello world"), "a bare string")
            try expectEqual(try await store.storage.getItem("bare"), "hello world", "a bare string as text")
            try expectEqual(try await store.storage.getItem("json"), ["a": [1, nil]] as StorageValue, "JSON")
            let decoded = try await store.storage.getItemRaw("raw", decodingBase64Prefix: true)
            try expectEqual(decoded, [1, 2, 255], "base64 text, decoded")
            try expectEqual(try await store.storage.getItemRaw("raw"), bytes("base64:AQL/"), "base64 text as it is")
        },
    ]
}

private enum Status: String, Codable {
    case active, closed
}

private struct Name: RawRepresentable, Codable, Equatable {
    var rawValue: String
}

/// A value with something of everything.
private struct Sample: Codable, Equatable {
    struct Nested: Codable, Equatable {
        var flag: Bool
        var names: [String: [Int]]
    }

    var text: String
    var small: Int8
    var large: UInt64
    var exact: Double
    var absent: String?
    var nested: Nested
    var nothing: [Int]

    static var sample: Sample {
        Sample(
            text: "\"quoted\" / \\ \u{1F600} \u{0} e\u{301}",
            small: -128,
            large: .max,
            exact: 0.1 + 0.2,
            absent: nil,
            nested: Nested(flag: true, names: ["": [], "a:b": [Int.min, Int.max]]),
            nothing: []
        )
    }
}
