/// The scripts on any number of items. They loop over their keys and arguments: Lua hands at most some thousands to a function.
extension Script {
    /// Checks and writes items as one step: see ``Batch`` for what it is given and answers.
    ///
    /// Nothing is written before all that can be refused is known to be allowed: a server checks its memory, whether it is a
    /// replica and whether it can save before a script's first write, and not again. So the first write is a `SET` that does
    /// nothing wherever any item is to be stored, which is what needs memory; what only removes and touches goes through when
    /// there is none. This holds for all versions, where flags of scripts (`#!lua`) came with version 7.
    static let batch = Script(
        """
        local kinds, checks, hasMetadata = ARGV[1], ARGV[2], ARGV[3] == '1'
        local count = #kinds / 2
        local position = 3
        local function take()
          position = position + 1
          return ARGV[position]
        end
        local function letter(text, index)
          return string.sub(text, index, index)
        end

        for i = 1, #checks do
          local key, kind = KEYS[tonumber(take())], letter(checks, i)
          if kind == 'p' then
            if redis.call('EXISTS', key) == 0 then return {i, false} end
          else
            local current, expected = redis.call('GET', key), kind == 'b' and take()
            if current ~= expected then return {i, current} end
          end
        end

        if hasMetadata then
          for i = 1, count do
            if letter(kinds, 2 * i - 1) == 'r' then redis.call('STRLEN', KEYS[i]) end
          end
        end
        if redis.acl_check_cmd and (hasMetadata or string.find(kinds, '[rt]')) then
          for _, command in ipairs({{'UNLINK', KEYS[1]}, {'PERSIST', KEYS[1]}, {'PEXPIRE', KEYS[1], '1'}}) do
            if not redis.acl_check_cmd(unpack(command)) then
              return redis.error_reply('NOPERM this user has no permissions to run ' .. command[1])
            end
          end
        end
        local first = string.find(kinds, '[sk]')
        if first then
          local key = KEYS[(first + 1) / 2]
          redis.call('SET', key, '', redis.call('EXISTS', key) == 1 and 'NX' or 'XX')
        end

        local function expire(key, milliseconds)
          redis.call('PEXPIRE', key, string.format('%.0f', math.max(milliseconds - 1, 1)))
        end
        local function set(key, metadata, existed, keeps, value, ttl, fields)
          if keeps then
            redis.call('SET', key, value, 'KEEPTTL')
          elseif ttl == '' then
            redis.call('SET', key, value)
          else
            redis.call('SET', key, value, 'PX', ttl)
          end
          if not metadata then return end
          if fields then
            redis.call('SET', metadata, fields)
            local left = keeps and redis.call('PTTL', key) or tonumber(ttl) or -1
            if left >= 0 then expire(metadata, left) end
          elseif fields == false or not existed then
            redis.call('UNLINK', metadata)
          elseif not keeps and ttl == '' then
            redis.call('PERSIST', metadata)
          elseif not keeps then
            expire(metadata, ttl)
          end
        end
        local function touch(key, metadata, ttl)
          if ttl == '' then
            redis.call('PERSIST', key)
            if metadata then redis.call('PERSIST', metadata) end
          else
            redis.call('PEXPIRE', key, ttl)
            if metadata then expire(metadata, ttl) end
          end
        end
        local function remove(key, metadata)
          if metadata then redis.call('UNLINK', metadata) end
          return redis.call('UNLINK', key) == 1
        end

        local answer = {0}
        for i = 1, count do
          local key, metadata = KEYS[i], hasMetadata and KEYS[count + i]
          local kind, change = letter(kinds, 2 * i - 1), letter(kinds, 2 * i)
          local existed
          if kind == 'r' then
            existed = remove(key, metadata)
          else
            existed = redis.call('EXISTS', key) == 1
            if kind == 't' then
              local ttl = take()
              if existed and ttl == '0' then
                remove(key, metadata)
              elseif existed then
                touch(key, metadata, ttl)
              end
            elseif kind ~= 'e' then
              local value, ttl, keeps, fields = take(), take(), kind == 'k' and existed, nil
              if change == 'f' then fields = take() elseif change == 'd' then fields = false end
              if ttl == '0' and not keeps then
                remove(key, metadata)
              else
                set(key, metadata, existed, keeps, value, ttl, fields)
              end
            end
          end
          answer[i + 1] = existed and 1 or 0
        end
        return answer
        """
    )

    /// Reads items with what remains of their lifetimes and with their metadata, until they are more bytes than wanted: the
    /// first is always among them. The items' keys come first, then as many of metadata, if any is kept. `count, bytes`.
    ///
    /// An item that is something other than a string is an error in its place.
    static let readEntries = Script(
        """
        local count, limit, bytes, entries = tonumber(ARGV[1]), tonumber(ARGV[2]), 0, {}
        for i = 1, count do
          local entry = redis.pcall('GET', KEYS[i])
          if type(entry) == 'string' then
            bytes = bytes + #entry
            if i > 1 and bytes > limit then break end
            local fields = KEYS[count + i] and redis.pcall('GET', KEYS[count + i])
            entry = {entry, redis.call('PTTL', KEYS[i]), fields or false}
          end
          entries[i] = entry
        end
        return entries
        """
    )
}
