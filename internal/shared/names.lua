-- Gives names their numbers in the dictionary of an account.
-- KEYS: names. ARGV: how many names there may be, then names. Returns the number of each; 0: there is no room for it.
local result = {}
local size = redis.call('HLEN', KEYS[1])
for i = 2, #ARGV do
  local n = redis.call('HGET', KEYS[1], ARGV[i])
  if not n and size < tonumber(ARGV[1]) then
    size = size + 1
    n = string.format('%d', size)
    redis.call('HSET', KEYS[1], ARGV[i], n)
  end
  result[#result + 1] = n or '0'
end
return result
