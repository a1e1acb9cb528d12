-- Puts records in the place of others, or removes them, where they still are what they were.
-- KEYS: fence, meta, then a bucket for each record. ARGV: mark, part, then id, old and new record of each; no new one: it goes.
-- Returns {-1} if the fence is not ours, else {0}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local i, gone = 3, 0
for k = 3, #KEYS do
  local id, old, new = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  i = i + 3
  if redis.call('HGET', KEYS[k], id) == old then
    if new ~= '' then redis.call('HSET', KEYS[k], id, new) else gone = gone + redis.call('HDEL', KEYS[k], id) end
  end
end
local records = tonumber(redis.call('HGET', KEYS[2], 'records:' .. ARGV[2]) or '') or 0
redis.call('HSET', KEYS[2], 'records:' .. ARGV[2], string.format('%d', math.max(0, records - gone)))
return {0}
