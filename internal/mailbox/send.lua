-- Puts a message into a list, which goes when nothing was put into it for some time.
-- KEYS: list. ARGV: how many messages it may have, for how many seconds it stays, message. Returns how many it has; 0: it is full.
local n = redis.call('LLEN', KEYS[1])
if n >= tonumber(ARGV[1]) then return 0 end
n = redis.call('RPUSH', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return n
