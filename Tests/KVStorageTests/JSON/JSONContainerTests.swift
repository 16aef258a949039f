import Foundation
import KVStorage
import Testing

/// What a type's own coding may ask of its containers.
@Suite("JSON: containers") struct JSONContainerTests {
    let codec = JSONStorageCodec()

    func text(_ value: some Encodable) throws -> String {
        String(decoding: try self.codec.encode(value), as: UTF8.self)
    }

    func read<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
        try self.codec.decode(type, from: Array(text.utf8))
    }

    enum Key: String, CodingKey { case a, b, c }

    class Animal: Codable {
        var name: String

        init(name: String) { self.name = name }
    }

    /// Shares its superclass' object, as the compiler's own coding does not.
    final class Dog: Animal {
        enum DogKey: CodingKey { case breed }

        var breed = "?"

        override init(name: String) { super.init(name: name) }

        required init(from decoder: any Decoder) throws {
            self.breed = try decoder.container(keyedBy: DogKey.self).decode(String.self, forKey: .breed)
            try super.init(from: decoder)
        }

        override func encode(to encoder: any Encoder) throws {
            try super.encode(to: encoder)
            var container = encoder.container(keyedBy: DogKey.self)
            try container.encode(self.breed, forKey: .breed)
        }
    }

    /// Gives its superclass a decoder of its own: under the key `super`, a key, or an element.
    final class Cat: Animal {
        override init(name: String) { super.init(name: name) }

        required init(from decoder: any Decoder) throws {
            if decoder.userInfo[.place] as? String == "element" {
                var container = try decoder.unkeyedContainer()
                #expect(try container.decode(Int.self) == 9)
                try super.init(from: container.superDecoder())
                #expect(try container.decode(String.self) == "end")
                return
            }
            let container = try decoder.container(keyedBy: Key.self)
            let isKey = decoder.userInfo[.place] as? String == "key"
            try super.init(from: isKey ? container.superDecoder(forKey: .b) : container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            if encoder.userInfo[.place] as? String == "element" {
                var container = encoder.unkeyedContainer()
                try container.encode(9)
                try super.encode(to: container.superEncoder())
                try container.encode("end")
                #expect(container.count == 3)
                return
            }
            var container = encoder.container(keyedBy: Key.self)
            let isKey = encoder.userInfo[.place] as? String == "key"
            let superEncoder = isKey ? container.superEncoder(forKey: .b) : container.superEncoder()
            // Written before what was asked for first.
            try container.encode(9, forKey: .a)
            try super.encode(to: superEncoder)
        }
    }

    @Test func classes() throws {
        let dog = Dog(name: "Rex")
        dog.breed = "Collie"
        #expect(try self.text(dog) == #"{"name":"Rex","breed":"Collie"}"#)
        let read: Dog = try self.read(#"{"breed":"Pug","name":"Bo"}"#)
        #expect(read.name == "Bo" && read.breed == "Pug")
        for (place, expected) in [
            ("member", #"{"super":{"name":"Tom"},"a":9}"#), ("key", #"{"b":{"name":"Tom"},"a":9}"#),
            ("element", #"[9,{"name":"Tom"},"end"]"#),
        ] {
            var codec = self.codec
            codec.userInfo[.place] = place
            let bytes = try codec.encode(Cat(name: "Tom"))
            #expect(String(decoding: bytes, as: UTF8.self) == expected)
            #expect(try codec.decode(Cat.self, from: bytes).name == "Tom")
        }
    }

    enum Shape: Codable, Equatable {
        case none
        case circle(radius: Double)
        case labelled(String, Int?)
        indirect case group([Shape])
    }

    @Test func enumsWithPayload() throws {
        let shapes: [Shape] = [.none, .circle(radius: 1.5), .labelled("x", nil), .group([.none, .labelled("y", 2)])]
        #expect(
            try self.text(shapes)
                == #"[{"none":{}},{"circle":{"radius":1.5}},{"labelled":{"_0":"x"}},{"group":{"_0":[{"none":{}},{"labelled":{"_0":"y","_1":2}}]}}]"#
        )
        #expect(try self.read(self.text(shapes)) == shapes)
    }

    struct Optionals: Codable, Equatable {
        var a: Int??
        var b: [String?]
        var c: [String: Double?]
        var d: Bool?
        var e: Shape?
        var f: UInt8?
    }

    @Test func optionals() throws {
        let value = Optionals(a: .some(.some(1)), b: ["x", nil], c: ["k": nil, "l": 1], d: nil, e: .some(.none), f: 7)
        #expect(try self.text(value) == #"{"a":1,"b":["x",null],"c":{"k":null,"l":1.0},"e":{"none":{}},"f":7}"#)
        #expect(try self.read(self.text(value)) == value)
        #expect(
            try self.read(#"{"b":[],"c":{},"a":null,"d":null,"e":null,"f":null}"#)
                == Optionals(a: nil, b: [], c: [:], d: nil, e: nil, f: nil))
        #expect(try self.text([1, nil, 2] as [Int??]) == "[1,null,2]")
        #expect(
            try self.read("[1,null]", as: [Int??].self) == [1, .some(nil)]
                || self.read("[1,null]", as: [Int??].self) == [1, nil])
        #expect(try self.text(nil as Int?) == "null")
        #expect(try self.read("null", as: Int?.self) == nil)
    }

    struct Twice: Codable, Equatable {
        enum Other: String, CodingKey { case c, d }

        var a = 1
        var c = 2

        init() {}

        init(from decoder: any Decoder) throws {
            let first = try decoder.container(keyedBy: Key.self)
            let second = try decoder.container(keyedBy: Other.self)
            #expect(try first.decodeNil(forKey: .a) == false)
            self.c = try second.decode(Int.self, forKey: .c)
            self.a = try first.decode(Int.self, forKey: .a)
            #expect(try first.decode(Int.self, forKey: .a) == self.a, "a member can be read again")
            #expect(first.contains(.b) && !second.contains(.d))
            #expect(try first.decodeNil(forKey: .b))
            #expect(try first.decodeIfPresent(Int.self, forKey: .b) == nil)
            #expect(first.allKeys == [.a, .c, .b])
        }

        func encode(to encoder: any Encoder) throws {
            var first = encoder.container(keyedBy: Key.self)
            var second = encoder.container(keyedBy: Other.self)
            try first.encode(self.a, forKey: .a)
            try second.encode(self.c, forKey: .c)
            try first.encodeNil(forKey: .b)
        }
    }

    @Test func containersAskedForTwice() throws {
        #expect(try self.text(Twice()) == #"{"a":1,"c":2,"b":null}"#)
        #expect(try self.read(self.text([Twice()])) == [Twice()])
    }

    struct Walk: Decodable {
        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            #expect(list.count == 6 && list.currentIndex == 0)
            #expect(try list.decodeNil() == false)
            #expect(throws: DecodingError.self) { _ = try list.decode(String.self) }
            #expect(list.currentIndex == 0, "what failed is not passed over")
            #expect(try list.decode(Int.self) == 1)
            #expect(try list.decodeNil())
            #expect(try list.decodeIfPresent(String.self) == "x")
            var inner = try list.nestedUnkeyedContainer()
            #expect(try inner.decode(Bool.self) && inner.isAtEnd)
            let object = try list.nestedContainer(keyedBy: Key.self)
            #expect(try object.nestedUnkeyedContainer(forKey: .a).count == 0)
            #expect(try object.nestedContainer(keyedBy: Key.self, forKey: .b).allKeys.isEmpty)
            #expect(try list.superDecoder().singleValueContainer().decode(UInt8.self) == 9)
            #expect(list.isAtEnd && list.currentIndex == 6)
            var errors: [DecodingError?] = []
            errors.append(#expect(throws: DecodingError.self) { try list.decodeNil() })
            errors.append(#expect(throws: DecodingError.self) { try list.decode(Int.self) })
            errors.append(#expect(throws: DecodingError.self) { try list.nestedUnkeyedContainer() })
            errors.append(#expect(throws: DecodingError.self) { try list.nestedContainer(keyedBy: Key.self) })
            errors.append(#expect(throws: DecodingError.self) { try list.superDecoder() })
            for error in errors {
                guard case .valueNotFound(_, let context)? = error else {
                    Issue.record("\(error as Any)")
                    continue
                }
                #expect(context.codingPath.map(\.intValue) == [6])
            }
            #expect(try list.decodeIfPresent(Int.self) == nil)
        }
    }

    @Test func elementsAreWalked() throws {
        _ = try self.read(#"[1,null,"x",[true],{"a":[],"b":{}},9]"#, as: Walk.self)
    }
}

extension CodingUserInfoKey {
    fileprivate static var place: CodingUserInfoKey {
        guard let key = CodingUserInfoKey(rawValue: "place") else { preconditionFailure("any text is a key") }
        return key
    }
}
