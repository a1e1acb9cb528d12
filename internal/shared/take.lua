-- Lets go the notes that the holder of a part has taken, says which groups lack room, and returns the next notes.
-- KEYS: fence, meta, journal. ARGV: mark, part, how many were taken, the first and the last of them, how many to return, then group and why it
-- lacks room of each group; nothing: it has some.
-- Returns {-1} if the fence is not ours, else {0, notes}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
for i = 7, #ARGV, 2 do
  local field, why = 'full:' .. ARGV[2] .. ':' .. ARGV[i], ARGV[i + 1]
  local was = redis.call('HGET', KEYS[2], field) or ''
  if why == '' and was ~= '' then
    redis.call('HDEL', KEYS[2], field)
  elseif why ~= was then
    redis.call('HSET', KEYS[2], field, why)
  end
end
local n = tonumber(ARGV[3])
if n > 0 and redis.call('LINDEX', KEYS[3], 0) == ARGV[4] and redis.call('LINDEX', KEYS[3], n - 1) == ARGV[5] then
  redis.call('LTRIM', KEYS[3], n, -1)
end
return {0, redis.call('LRANGE', KEYS[3], 0, tonumber(ARGV[6]) - 1)}
