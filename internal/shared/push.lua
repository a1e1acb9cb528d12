-- Keeps ids that were pushed to a group, or forgets them, and notes it for whoever holds the part of the account that they are in.
-- KEYS: fence, meta, journal, then a bucket for each id.
-- ARGV: mark of who holds the part and needs no note, part, group, how many ids there may be, how many notes, then id and value of each id; no
-- value: it is forgotten.
-- Returns of each id 1 if that changed something, 0 if not, or why there is no room for it.
local part, group, most = ARGV[2], ARGV[3], tonumber(ARGV[4])
local own = ARGV[1] ~= '' and redis.call('GET', KEYS[1]) == ARGV[1]
local counted = 'pushed:' .. part .. ':' .. group
local kept = redis.call('HMGET', KEYS[2], counted, 'full:' .. part .. ':' .. group)
local before = tonumber(kept[1] or '') or 0
local n, full = before, kept[2]
local result, notes = {}, {}
for k = 4, #KEYS do
  local id, value = ARGV[2 * k - 2], ARGV[2 * k - 1]
  local what, changed = '+', 0
  if value == '' then
    what, changed = '-', redis.call('HDEL', KEYS[k], id)
    n = n - changed
  elseif not redis.call('HGET', KEYS[k], id) then
    if own or (not full and n < most) then
      changed = redis.call('HSET', KEYS[k], id, value)
      n = n + changed
    else
      changed = full or 'limit'
    end
  end
  result[#result + 1] = changed
  if changed == 1 and not own then notes[#notes + 1] = what .. group .. '\0' .. id end
end
if n ~= before then redis.call('HSET', KEYS[2], counted, string.format('%d', math.max(0, n))) end
if n > before then redis.call('HDEL', KEYS[2], 'unpushed:' .. part .. ':' .. group) end -- somebody knows that it takes pushes
if #notes > 0 and redis.call('RPUSH', KEYS[3], unpack(notes)) > tonumber(ARGV[5]) then
  local t = redis.call('TIME')
  redis.call('RPUSH', KEYS[3], '*' .. t[1] .. '.' .. t[2]) -- all is to be read again
  redis.call('LTRIM', KEYS[3], -1, -1)
end
return result
