-- Makes whoever took a part of an account the only one that may write its records.
-- KEYS: fence, meta. ARGV: mark, epoch, part.
-- Returns {-1} if one of a higher epoch may, {-2} if the fence can't be read, else
-- {1, what the fence was, when the part's records were last written, how many there are, now, thousandths of requests a second that the API was
-- found to let pass}; times in ms.
local old = redis.call('GET', KEYS[1])
if old and old ~= ARGV[1] then
  local epoch = tonumber(string.match(old, '^(%d+)|') or '')
  if not epoch then return {-2} end
  if epoch >= tonumber(ARGV[2]) then return {-1} end
end
redis.call('SET', KEYS[1], ARGV[1])
local t = redis.call('TIME')
local kept = redis.call('HMGET', KEYS[2], 'ran:' .. ARGV[3], 'records:' .. ARGV[3], 'knee:' .. ARGV[3])
return {1, old or '', kept[1] or '', kept[2] or '', string.format('%d', t[1] * 1000 + math.floor(t[2] / 1000)), kept[3] or ''}
