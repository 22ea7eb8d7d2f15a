-- What limit/common_rate.rs says, for all rates of a round. Time is the engine's: all replicas fill one bucket by it.
-- KEYS: of each rate its bucket.
-- ARGV: who asks; then of each rate its number, used, cap, charged, want, the rate per minute, what should be in the bucket
-- if it was lost, and whether it is the last ask.
local LIFE, LIFETIME, DEEPEST, MOST, FIELDS = 60000, 600000, 100e6, 1e9, 8
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local who = ARGV[1]

local function int(number) return string.format('%.0f', number) end
local function clamp(level, capacity) return math.max(-DEEPEST, math.min(level, capacity)) end

local function grant(room, want, least, lines)
  local fair = math.floor(room / (2 * lines))
  local wanted = math.min(math.max(want, fair), math.floor(room / 2))
  return math.min(math.max(wanted, least), room)
end

local function answer(key, ask)
  local capacity = math.min(ask.per_minute, MOST)
  local all, level, own, lines = redis.call('HGETALL', key), nil, nil, 1
  for i = 1, #all, 2 do
    local field, text = all[i], all[i + 1]
    if field == '=level' then
      local left, at = string.match(text, '^(%S+) (%d+)$')
      left, at = tonumber(left), tonumber(at)
      if left and at then level = left + math.max(0, now - at) * capacity / 60000 end
    else
      local q, charged, until_ms = string.match(text, '^(%d+) (%d+) (%d+)$')
      if field == who then
        if q then own = { q = tonumber(q), charged = tonumber(charged) } end
      elseif q and tonumber(until_ms) >= now then
        lines = lines + 1
      else
        redis.call('HDEL', key, field)
      end
    end
  end
  level = clamp(level or ask.level, capacity)
  if own and own.q >= ask.q then return { 'stale' } end
  local before = own and own.charged or ask.charged
  local kept = math.max(ask.used, ask.cap)
  level = clamp(level + before - kept, capacity)
  local fair = 0
  if not ask.last then
    fair = grant(math.floor(math.max(0, level)) + kept - ask.used, ask.want, 1, lines)
  end
  local cap = math.max(kept, ask.used + fair)
  level = level - (cap - kept)
  redis.call('HSET', key, '=level', string.format('%.6f %.0f', level, now),
    who, table.concat({ int(ask.q), int(cap), int(now + LIFE) }, ' '))
  redis.call('PEXPIRE', key, LIFETIME)
  return { 'ok', int(ask.q), int(cap), int(fair), string.format('%.6f', level) }
end

local out = {}
for i = 1, #KEYS do
  local at = 2 + FIELDS * (i - 1)
  local function number(n) return tonumber(ARGV[at + n]) or 0 end
  out[i] = answer(KEYS[i], {
    q = number(0), used = number(1), cap = number(2), charged = number(3), want = number(4), per_minute = number(5),
    level = number(6), last = ARGV[at + 7] == '1',
  })
end
return out
