import KVStorage
import Synchronization

/// A Lua script that runs as one step in the server, called by its digest once the server has it.
struct Script: Sendable {
    let source: String
    /// The SHA-1 of the source in hexadecimal digits, as `EVALSHA` wants it.
    let digest: String

    init(_ source: String) {
        self.source = source
        let digest = SHA1.hexadecimalDigest(of: Array(source.utf8))
        self.digest = digest
        Self.sources.withLock { $0[digest] = source }
    }

    /// The sources of the scripts that were made, which are those below.
    private static let sources = Mutex<[String: String]>([:])

    /// Returns the source of the script with the digest.
    static func source(ofDigest digest: String) -> String? {
        self.sources.withLock { $0[digest] }
    }

    // A script is given the item's key and that of its metadata, or the item's alone where no metadata is kept. It gives
    // both the same end, the metadata's a millisecond earlier, so that it never outlives the item. A lifetime is in
    // milliseconds; nothing stands for forever, and 0 for one whose end has come, so that there is no item afterwards.
    //
    // A server that is out of memory refuses a script's first write, and only that one: afterwards it can't stop any more. So
    // what needs memory comes first, and a script that was refused has changed nothing; what only removes is never refused.

    /// Gives the metadata of an item that was there the lifetime in `ttl`, and takes it from one that was not: then it is
    /// the metadata of a predecessor that a client removed which knows nothing of metadata, or the server for want of memory.
    private static let follow = """
        local function follow(ttl, existed)
          if not KEYS[2] then return end
          if not existed then
            redis.call('UNLINK', KEYS[2])
          elseif ttl == '' then
            redis.call('PERSIST', KEYS[2])
          else
            redis.call('PEXPIRE', KEYS[2], string.format('%.0f', math.max(ttl - 1, 1)))
          end
        end

        """

    /// Gives an item that is there the lifetime in `ttl`, its metadata as well; `existed` is whether it was there before.
    private static let expire =
        Self.follow + """
            local function expire(ttl, existed)
              if ttl == '0' then
                redis.call('UNLINK', unpack(KEYS))
                return
              elseif ttl == '' then
                redis.call('PERSIST', KEYS[1])
              else
                redis.call('PEXPIRE', KEYS[1], ttl)
              end
              follow(ttl, existed)
            end

            """

    /// Stores `value` with the lifetime `ttl`; with `keep` an existing item keeps its own.
    private static let store =
        Self.follow + """
            local function store(value, ttl, keep, existed)
              if keep and existed then
                redis.call('SET', KEYS[1], value, 'KEEPTTL')
                return
              elseif ttl == '0' then
                redis.call('UNLINK', unpack(KEYS))
                return
              elseif ttl == '' then
                redis.call('SET', KEYS[1], value)
              else
                redis.call('SET', KEYS[1], value, 'PX', ttl)
              end
              follow(ttl, existed)
            end

            """

    /// Removes the item with its metadata: 1 if it was there. What is no string is not ours to remove, and is refused.
    static let remove = Script(
        """
        redis.call('STRLEN', KEYS[1])
        local removed = redis.call('UNLINK', KEYS[1])
        if KEYS[2] then redis.call('UNLINK', KEYS[2]) end
        return removed
        """
    )

    /// Removes any number of items with their metadata, and returns how many of the items were there. The items' keys come
    /// first, then as many of metadata.
    static let removeAll = Script(
        """
        local removed = 0
        for i = 1, #KEYS / 2 do
          removed = removed + redis.call('UNLINK', KEYS[i])
          redis.call('UNLINK', KEYS[#KEYS / 2 + i])
        end
        return removed
        """
    )

    /// Stores a value, and takes from a new item what metadata its predecessor left. `value, ttl, keep`.
    static let set = Script(
        Self.store + """
            store(ARGV[1], ARGV[2], ARGV[3] == '1', redis.call('EXISTS', KEYS[1]) == 1)
            return 1
            """
    )

    /// Creates an item: 1 if there was none, else what there is. `value, ttl`.
    static let create = Script(
        Self.store + """
            local current = redis.call('GET', KEYS[1])
            if current then return current end
            store(ARGV[1], ARGV[2], false, false)
            return 1
            """
    )

    /// Replaces what is as expected: 1 if it was, else what there is. `expected, replacement, ttl, keep`.
    static let swap = Script(
        Self.store + """
            local current = redis.call('GET', KEYS[1])
            if current ~= ARGV[1] then return current end
            store(ARGV[2], ARGV[3], ARGV[4] == '1', true)
            return 1
            """
    )

    /// Removes what is as expected: 1 if it was, else what there is. `expected`.
    static let removeEqual = Script(
        """
        local current = redis.call('GET', KEYS[1])
        if current ~= ARGV[1] then return current end
        redis.call('UNLINK', unpack(KEYS))
        return 1
        """
    )

    /// Returns the value and removes the item.
    static let take = Script(
        """
        local current = redis.call('GET', KEYS[1])
        if current then redis.call('UNLINK', unpack(KEYS)) end
        return current
        """
    )

    /// Adds to a number. An item that is there keeps its lifetime if so told, else it gets the one given.
    /// `amount, ttl, keep`.
    static let increment = Script(
        Self.expire + """
            local existed = redis.call('EXISTS', KEYS[1]) == 1
            redis.call('INCRBY', KEYS[1], ARGV[1])
            local sum = redis.call('GET', KEYS[1])
            if not existed or ARGV[3] ~= '1' then expire(ARGV[2], existed) end
            return sum
            """
    )

    /// Gives a new lifetime, or none: 1 if the item was there. `ttl`.
    static let touch = Script(
        Self.expire + """
            if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
            expire(ARGV[1], true)
            return 1
            """
    )

    /// Returns what remains of the lifetime, the size, and the metadata; nothing if there is no item.
    static let readMeta = Script(
        """
        local ttl = redis.call('PTTL', KEYS[1])
        if ttl == -2 then return false end
        return {ttl, redis.call('STRLEN', KEYS[1]), KEYS[2] and redis.call('GET', KEYS[2]) or false}
        """
    )

    /// Removes metadata: 1 if the item was there.
    ///
    /// It is given a lifetime before it goes, as its removal alone is what a watcher hears when the item is removed; a value
    /// would need memory that a full server has not.
    static let removeMeta = Script(
        """
        if redis.call('PEXPIRE', KEYS[2], 1000000) == 1 then redis.call('UNLINK', KEYS[2]) end
        return redis.call('EXISTS', KEYS[1])
        """
    )

    /// Keeps metadata beside an item, for as long as it lives: 1 if it was there. `fields`.
    static let setMeta = Script(
        """
        local ttl = redis.call('PTTL', KEYS[1])
        if ttl == -2 then return 0 end
        redis.call('STRLEN', KEYS[1])
        redis.call('SET', KEYS[2], ARGV[1])
        if ttl >= 0 then redis.call('PEXPIRE', KEYS[2], string.format('%.0f', math.max(ttl - 1, 1))) end
        return 1
        """
    )
}
