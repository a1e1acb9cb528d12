-- Keeps what was learned of how long the tasks of an account take, in the place of what was kept before.
-- KEYS: fence, durations. ARGV: mark, then names, each with what is kept of it. Returns {-1} if the fence is not ours, else {0}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local new = {}
for i = 2, #ARGV, 2 do
  new[ARGV[i]] = true
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if not new[all[i]] then redis.call('HDEL', KEYS[2], all[i]) end
end
return {0}
