-- Notes of a group's pushed ids in a part of an account since which day the group is found to take no pushes.
-- KEYS: fence, meta. ARGV: mark, part, group, the day; nothing: it takes some; gone: none of its ids are left.
-- Returns {-1} if the fence is not ours, else {0}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local of = ARGV[2] .. ':' .. ARGV[3]
if ARGV[4] == 'gone' then
  redis.call('HDEL', KEYS[2], 'unpushed:' .. of, 'pushed:' .. of, 'full:' .. of)
elseif ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], 'unpushed:' .. of)
else
  redis.call('HSET', KEYS[2], 'unpushed:' .. of, ARGV[4])
end
return {0}
