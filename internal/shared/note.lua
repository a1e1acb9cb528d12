-- Notes something for whoever holds a part of an account.
-- KEYS: journal. ARGV: how many notes there may be, note. Returns 1; 0: there are too many.
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
