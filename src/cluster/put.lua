-- Puts fields into a hash and counts its version, unless somebody else has changed it since it was read.
-- KEYS: the hash; its version. ARGV: the version that was read, empty if there was none; a lifetime in seconds; how many
-- fields there are to delete, and these; then fields and values.
local version = redis.call('GET', KEYS[2]) or ''
if version ~= ARGV[1] then return '' end
local at, last = 4, 3 + tonumber(ARGV[3])
for i = at, last do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = last + 1, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
-- Not the next number: an engine that lost everything, or its last writes with the server they were on, must not come to
-- a version again that somebody has read with other fields.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local next_version = string.format('%.0f', math.max((tonumber(version) or 0) + 1, now))
redis.call('SET', KEYS[2], next_version, 'EX', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return next_version
