import HTTPTypes
import KVStorage
import KVStorageTesting
import Sessions
import Testing

@Suite("Signed cookies")
struct SignatureTests {
    /// express, test/session.js 1037 to 1062, secret "keyboard cat".
    static let vectors = [
        ("apple", "s%3Aapple.D8Y%2BpkTAmeR0PobOhY4G97PRW%2Bj7bUnP%2F5m6%2FOn1MCU"),
        ("%", "s%3A%25.kzQ6x52kKVdF35Qh62AWk4ZekS28K5XYCXKa%2FOTZ01g"),
        ("/foo", "s%3A%2Ffoo.paEKBtAHbV5s1IB8B2zPnzAgYmmnRPIqObW4VRYj%2FMQ"),
    ]

    @Test("express's cookies verify, and ours are express's", arguments: Self.vectors)
    func interoperability(value: String, cookie: String) throws {
        #expect(unsignCookie(cookie, secrets: ["keyboard cat"]) == value)
        let signed = signCookie(value, secret: "keyboard cat")
        #expect(signed == Self.percentDecoded(cookie))
        #expect(unsignCookie(signed, secrets: ["keyboard cat"]) == value)
    }

    /// RFC 4231's second case, then secrets and values around the length of the hash's block as Python's `hmac` signs them.
    static let codes: [(secret: String, value: String, signature: String)] = [
        ("Jefe", "what do ya want for nothing?", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM"),
        (
            String(repeating: "k", count: 63), String(repeating: "m", count: 0),
            "pz5K5GsqnyQC//BW4VbAolVR49tQl/k2dSIjm/vC0C4"
        ),
        (
            String(repeating: "k", count: 64), String(repeating: "m", count: 55),
            "bYAbe9OJMYyWGLN/uUxq4+rx0nAfWHBv6Og0IYjyKP4"
        ),
        (
            String(repeating: "k", count: 65), String(repeating: "m", count: 56),
            "gf5AEg4yMfwx/vWjqK1FUEtfST0YURuLjVEscZGTKE4"
        ),
        (
            String(repeating: "k", count: 200), String(repeating: "m", count: 200),
            "sBrMZbJbE8d839syb2yCkBVIbzGrZ1EyFGaitej3bK4"
        ),
    ]

    @Test("signatures are HMAC-SHA256 whatever the lengths of secret and value", arguments: Self.codes)
    func lengths(secret: String, value: String, signature: String) {
        #expect(signCookie(value, secret: secret) == "s:\(value).\(signature)")
        #expect(unsignCookie("s:\(value).\(signature)", secrets: [secret]) == value)
    }

    @Test("A20 a signature that differs in any byte or in length is refused")
    func wrongSignatures() {
        let signed = signCookie("apple", secret: "keyboard cat")
        let start = signed.count - 43
        for index in start..<signed.count {
            var characters = Array(signed)
            characters[index] = characters[index] == "A" ? "B" : "A"
            #expect(unsignCookie(String(characters), secrets: ["keyboard cat"]) == nil)
        }
        for other in [
            signed + "A", String(signed.dropLast()), signed + "=", signed + "s:anything", "s:apple.", "s:.", "",
        ] {
            #expect(unsignCookie(other, secrets: ["keyboard cat"]) == nil)
        }
    }

    @Test("R26 several secrets: all verify, in both directions of a rotation")
    func rotation() {
        let old = signCookie("apple", secret: "old")
        let new = signCookie("apple", secret: "new")
        #expect(old != new)
        #expect(unsignCookie(old, secrets: ["new", "old"]) == "apple")
        #expect(unsignCookie(new, secrets: ["new", "old"]) == "apple")
        #expect(unsignCookie(old, secrets: ["new"]) == nil)
        #expect(unsignCookie(old, secrets: []) == nil)
    }

    @Test("A21 nobody verifies with an empty secret")
    func emptySecret() {
        #expect(unsignCookie(signCookie("apple", secret: ""), secrets: [""]) == nil)
    }

    @Test(
        "A15 values with separators, dots and other scripts come back",
        arguments: ["a.b.c", "s:x", "", "ü:;=, \"", "a:b"])
    func separators(value: String) {
        #expect(unsignCookie(signCookie(value, secret: "x"), secrets: ["x"]) == value)
    }

    private static func percentDecoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
