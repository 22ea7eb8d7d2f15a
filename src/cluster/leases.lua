-- What limit/lease.rs says, for all budgets of a round. Time is the engine's: lines of several replicas are compared by it.
-- KEYS: of each budget its lines, and those that were put away.
-- ARGV: who asks; whether the lines are told; then of each budget its number, used, cap, seed, want, least, limit, whether
-- it is the last ask, when its window ends in seconds, when the sheet was made as the holder knows it, and what it remembers.
local LIFE, SETTLED, FIELDS = 60000, 600000, 11
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local who, tell = ARGV[1], ARGV[2] == '1'
local replica = string.match(who, '^[^:]*')

local function int(number) return string.format('%.0f', number) end

local function parsed(text)
  local q, u, c, b, x = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  if not q then return nil end
  return { q = tonumber(q), u = tonumber(u), c = tonumber(c), b = tonumber(b), x = tonumber(x) }
end

local function written(line)
  return table.concat({ int(line.q), int(line.u), int(line.c), int(line.b), int(line.x) }, ' ')
end

local function grant(room, want, least, lines)
  local fair = math.floor(room / (2 * lines))
  local wanted = math.min(math.max(want, fair), math.floor(room / 2))
  return math.min(math.max(wanted, least), room)
end

local function sheet(key)
  local all, found = redis.call('HGETALL', key), { lines = {}, settled = 0 }
  for i = 1, #all, 2 do
    local field, text = all[i], all[i + 1]
    if field == '=born' then
      found.born = text
    elseif field == '=settled' then
      found.settled = tonumber(text) or 0
    else
      found.lines[field] = parsed(text)
    end
  end
  return found
end

local function put_back(found, key, away, memory)
  local settled = tonumber(string.match(memory, '^(%d+)')) or 0
  found.settled = math.max(found.settled, settled)
  for other, text in string.gmatch(memory, ';([^ ;]+) ([%d ]+)') do
    local line = parsed(text)
    if line and redis.call('HEXISTS', away, other) == 0 then
      local known = found.lines[other]
      if known then
        local used = math.max(known.u, line.u)
        if line.q > known.q then known = line end
        known.u = used
        line = known
      end
      found.lines[other] = line
      redis.call('HSET', key, other, written(line))
    end
  end
end

local function settle(found, key, away)
  for other, line in pairs(found.lines) do
    if other ~= who and line.x + SETTLED < now then
      found.lines[other] = nil
      found.settled = found.settled + line.b + line.u
      redis.call('HSET', key, '=settled', int(found.settled))
      redis.call('HDEL', key, other)
      redis.call('HSET', away, other, int(line.b + line.u))
    end
  end
end

local function first_line(found, away, seed)
  local came_back = tonumber(redis.call('HGET', away, who) or '0') or 0
  if came_back > 0 then
    redis.call('HDEL', away, who)
    found.settled = math.max(0, found.settled - came_back)
  end
  local known = 0
  for other, line in pairs(found.lines) do
    if string.match(other, '^[^:]*') == replica then known = known + line.b + line.u end
  end
  if seed > 0 then
    local all = redis.call('HGETALL', away)
    for i = 1, #all, 2 do
      if string.match(all[i], '^[^:]*') == replica then known = known + (tonumber(all[i + 1]) or 0) end
    end
  end
  return { q = 0, u = came_back, c = 0, b = math.max(0, seed - known), x = 0 }
end

local function answer(key, away, ask)
  local found = sheet(key)
  if ask.born ~= '' and found.born ~= ask.born and ask.memory == '' then return { 'lost' } end
  if not found.born then
    found.born = int(now) .. '.' .. time[2]
    redis.call('HSET', key, '=born', found.born)
  end
  put_back(found, key, away, ask.memory)
  settle(found, key, away)
  local own = found.lines[who] or first_line(found, away, ask.seed)
  if own.q >= ask.q then return { 'stale' } end
  local held, others, lines = found.settled, found.settled, 1
  for other, line in pairs(found.lines) do
    if other ~= who then
      local cap = 0
      if now < line.x then
        cap = line.c
        lines = lines + 1
      end
      held = held + line.b + math.max(line.u, cap)
      others = others + line.b + line.u
    end
  end
  own.q, own.u = ask.q, math.max(own.u, ask.used)
  local room, fair = math.max(0, ask.limit - held - own.b - own.u), 0
  own.x = 0
  if not ask.last then
    fair = grant(room, ask.want, ask.least, lines)
    own.x = now + LIFE
  end
  own.c = math.max(ask.cap, own.u + fair)
  redis.call('HSET', key, who, written(own), '=settled', int(found.settled))
  redis.call('EXPIREAT', key, ask.ends + 86400)
  redis.call('EXPIREAT', away, ask.ends + 86400)
  local out = { 'ok', int(own.q), int(own.c), int(fair), int(others), int(own.b), int(lines), found.born, int(found.settled) }
  if tell then
    for other, line in pairs(found.lines) do
      if other ~= who then
        out[#out + 1] = other
        out[#out + 1] = written(line)
      end
    end
    out[#out + 1] = who
    out[#out + 1] = written(own)
  end
  return out
end

local out = {}
for i = 1, #KEYS, 2 do
  local at = 3 + FIELDS * (i - 1) / 2
  local function number(n) return tonumber(ARGV[at + n]) or 0 end
  out[#out + 1] = answer(KEYS[i], KEYS[i + 1], {
    q = number(0), used = number(1), cap = number(2), seed = number(3), want = number(4), least = number(5),
    limit = number(6), last = ARGV[at + 7] == '1', ends = number(8), born = ARGV[at + 9], memory = ARGV[at + 10],
  })
end
return out
