-- Writes records of a part of an account.
-- KEYS: fence, meta, names, then a bucket for each record. ARGV: mark, part, thousandths of requests a second that the API was found to let pass
-- (nothing: what was kept stays), how many names, each with its number, then id and record of each.
-- Returns {-1} if the fence is not ours, {-3} if a name has another number, else {0, how many records the part has, for each what came of it}:
-- 1 it is written, and if it is final it is the first one; 0 a final record was there; 2 what was there can't be told and is left alone.
-- The nonce in a record tells one whose writing was not answered from another's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local i = 5
for _ = 1, tonumber(ARGV[4]) do
  if redis.call('HGET', KEYS[3], ARGV[i]) ~= ARGV[i + 1] then return {-3} end
  i = i + 2
end
local result, added = {0, 0}, 0
for k = 4, #KEYS do
  local id, record = ARGV[i], ARGV[i + 1]
  i = i + 2
  local old = redis.pcall('HGET', KEYS[k], id)
  if type(old) == 'table' then
    if not string.find(old.err, 'WRONGTYPE', 1, true) then return old end
    result[#result + 1] = 2
  elseif old and string.sub(old, 1, 1) == 'F' then
    result[#result + 1] = old == record and 1 or 0
  elseif old and string.sub(old, 1, 1) ~= 'O' then
    result[#result + 1] = 2
  else
    added = added + redis.call('HSET', KEYS[k], id, record)
    result[#result + 1] = 1
  end
end
local t = redis.call('TIME')
local records = (tonumber(redis.call('HGET', KEYS[2], 'records:' .. ARGV[2]) or '') or 0) + added
result[2] = records
redis.call('HSET', KEYS[2], 'ran:' .. ARGV[2], string.format('%d', t[1] * 1000 + math.floor(t[2] / 1000)),
  'records:' .. ARGV[2], string.format('%d', records))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'knee:' .. ARGV[2], ARGV[3]) end
return result
