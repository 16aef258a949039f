/// A script on an item and its metadata, for while their slot is on its way from one node to another.
///
/// A node that has only one of two keys refuses a command on both until the slot has arrived (`TRYAGAIN`), also where the
/// other is nowhere, as most items have no metadata. A command on one key is not refused. So the script is given the
/// item's key alone, and names the metadata's itself where the node can have it, or goes without where there is none.
struct SplitCall: Sendable {
    /// Where the metadata is.
    enum Metadata {
        /// With the item, or nowhere, on the node that the slot goes to.
        case reachable
        /// Nowhere, while the item is on the node that the slot comes from.
        case absent
    }

    private let source: String
    let item: [UInt8]
    let metadata: [UInt8]
    private let arguments: [[UInt8]]

    /// Returns `nil` if what is encoded is no script on an item and its metadata, whose name alone ends in `$`.
    init?(_ encode: Client.Encode) {
        var writer = CommandWriter()
        encode(&writer)
        let commands = writer.commands
        guard commands.count == 1 else { return nil }
        let words = CommandWriter.words(of: commands[0])
        guard words.count >= 5, words[2] == [UInt8(ascii: "2")], words[4].last == UInt8(ascii: "$") else { return nil }
        switch words[0] {
        case Array("EVALSHA".utf8):
            guard let source = Script.source(ofDigest: String(decoding: words[1], as: UTF8.self)) else {
                return nil
            }
            self.source = source
        case Array("EVAL".utf8):
            self.source = String(decoding: words[1], as: UTF8.self)
        default:
            return nil
        }
        self.item = words[3]
        self.metadata = words[4]
        self.arguments = Array(words[5...])
    }

    /// Whether metadata may come into being, which needs a node that both keys can be on.
    var createsMetadata: Bool {
        guard self.source == Script.batch.source else { return self.source.contains("'SET', KEYS[2]") }
        return self.arguments.first?.contains(UInt8(ascii: "f")) == true
    }

    /// Writes the script for one key.
    func write(_ place: Metadata, to writer: inout CommandWriter) {
        writer.begin(5 + self.arguments.count)
        writer.word("EVAL")
        writer.word(Self.prelude(place) + self.source)
        writer.word("1")
        writer.word(self.item)
        for argument in self.arguments { writer.word(argument) }
        writer.word(self.metadata)
    }

    /// Lua that gives the script both keys, and has it name one in a command: one on two would be refused within as well.
    private static func prelude(_ place: Metadata) -> String {
        """
        local KEYS = {KEYS[1], table.remove(ARGV)}
        local server = redis
        local isAbsent = \(place == .absent)
        local answers = {UNLINK = 0, EXISTS = 0, PERSIST = 0, PEXPIRE = 0, STRLEN = 0, PTTL = -2, GET = false}
        local function run(call, command, key, ...)
          if isAbsent and key == KEYS[2] and answers[command] ~= nil then return answers[command] end
          return call(command, key, ...)
        end
        local redis = {
          call = function(command, key, ...)
            if command ~= 'UNLINK' then return run(server.call, command, key, ...) end
            local sum = run(server.call, command, key)
            for _, other in ipairs({...}) do sum = sum + run(server.call, command, other) end
            return sum
          end,
          pcall = function(...) return run(server.pcall, ...) end
        }

        """
    }
}
