-- Renews, releases and takes shares, all at once and by the server's clock.
-- KEYS: leases, members, meta.
-- ARGV: replica, session, lease in ms, 1 to take part or 0 to leave, digest of the configuration, version, how many shares are on their way to
-- be released; then lists, each its length and its elements: all shares; held ones as share|epoch; those to release likewise; those known,
-- which were held once; those dropped when their time was up, as share|epoch; account|parts.
-- leases:  share -> replica|session|epoch|expires; a share that is free has neither replica nor session, and since when it is free for expires;
-- one that rests has ? for both
-- members: replica -> session|known|releasing|digest|version|expires
-- meta:    born: when this table began, or may have lost its last changes; run: of the server; lease; parts:<account>
-- Returns {now, state, wait in ms, held, lost, how many to release, members alike, other members, unheld, accounts of other parts, those taken
-- just now that were released before as share|ms since then}.
-- What can't be read is left alone, and taken for held by a stranger.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local me, session, ttl, part = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local digest, version, releasing = ARGV[5], ARGV[6], tonumber(ARGV[7])
local int = function(n) return string.format('%d', n) end
local at = 8
local function list()
  local l = {}
  for k = 1, tonumber(ARGV[at]) do l[k] = ARGV[at + k] end
  at = at + #l + 1
  return l
end
local shares, held, released, knownList, droppedList, parts = list(), list(), list(), list(), list(), list()
local known, dropped = {}, {}
for _, u in ipairs(knownList) do known[u] = true end
for _, h in ipairs(droppedList) do dropped[h] = true end

-- A table that is new, or of a server that is: what is in it may be old. For one lease only those who hold shares are believed.
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
local born = tonumber(redis.call('HGET', KEYS[3], 'born') or '')
if not born or born > now or (redis.call('HGET', KEYS[3], 'run') or '') ~= run then
  born = now
  redis.call('HSET', KEYS[3], 'born', int(born), 'run', run)
end
local settled = now >= born + ttl

-- Who is there.
local members, live, alike, knowers = {}, 0, 0, 0
local raw = redis.call('HGETALL', KEYS[2])
for k = 1, #raw, 2 do
  local s, n, r, d, v, x = string.match(raw[k + 1], '^([^|]*)|(%d+)|(%d+)|([^|]*)|([^|]*)|(%d+)$')
  if s then
    x = math.min(tonumber(x), now + ttl)
    if raw[k] == me and s ~= session and x > now then return {int(now), 'taken', x - now} end
    if x <= now then
      redis.call('HDEL', KEYS[2], raw[k])
    elseif raw[k] ~= me then
      redis.call('HSET', KEYS[2], raw[k], s .. '|' .. n .. '|' .. r .. '|' .. d .. '|' .. v .. '|' .. int(x))
      members[raw[k]] = {session = s, releasing = tonumber(r), n = 0}
      live = live + 1
      knowers = knowers + tonumber(n)
      if d == digest then alike = alike + 1 end
    end
  end
end
local others = live
if part then live, knowers = live + 1, knowers + #knownList else redis.call('HDEL', KEYS[2], me) end

-- All must have the same lease, or one would take what another still has.
local state = ''
local lease = redis.call('HGET', KEYS[3], 'lease')
if lease ~= ARGV[3] then
  if others > 0 and lease then state = 'lease' else redis.call('HSET', KEYS[3], 'lease', ARGV[3]) end
end

-- Who has what.
local entries = {}
raw = redis.call('HGETALL', KEYS[1])
for k = 1, #raw, 2 do
  local m, s, e, x = string.match(raw[k + 1], '^([^|]*)|([^|]*)|(%d+)|(%d+)$')
  if m then
    local entry = {m = m, s = s, e = tonumber(e), x = tonumber(x)}
    entries[raw[k]] = entry
    if entry.x > now + ttl then
      entry.x = now + ttl
      redis.call('HSET', KEYS[1], raw[k], m .. '|' .. s .. '|' .. e .. '|' .. int(entry.x))
    end
  else
    entries[raw[k]] = {stranger = true, x = 0}
  end
end
local function put(u, m, s, e, x)
  entries[u] = {m = m, s = s, e = e, x = x}
  redis.call('HSET', KEYS[1], u, m .. '|' .. s .. '|' .. int(e) .. '|' .. int(x))
end

-- An account that others have cut into other parts is theirs until they are gone.
local blocked, differ = {}, {}
for _, p in ipairs(parts) do
  local account, n = string.match(p, '^(.*)|(%d+)$')
  local was = redis.call('HGET', KEYS[3], 'parts:' .. account)
  if was ~= n then
    local theirs = {}
    for u, e in pairs(entries) do
      if string.match(u, '^(.*)/%d+$') == account then
        theirs[#theirs + 1] = u
        if was and (e.stranger or e.m ~= me) and e.x > now then blocked[account] = true end
      end
    end
    if blocked[account] then
      differ[#differ + 1] = account
    else
      if was then
        for _, u in ipairs(theirs) do
          if not entries[u].stranger then redis.call('HDEL', KEYS[1], u); entries[u] = nil end
        end
      end
      redis.call('HSET', KEYS[3], 'parts:' .. account, n)
    end
  end
end

for _, h in ipairs(released) do
  local u, epoch = string.match(h, '^(.*)|(%d+)$')
  local e = entries[u]
  if e and e.m == me and e.s == session and e.e == tonumber(epoch) then put(u, '', '', e.e, now) end
end

-- What I hold and can prove is mine on.
local mine, lost, has = {}, {}, {}
for _, h in ipairs(held) do
  local u, epoch = string.match(h, '^(.*)|(%d+)$')
  epoch = tonumber(epoch)
  local e = entries[u]
  local account = string.match(u, '^(.*)/%d+$')
  if state == '' and not blocked[account] and not (e and e.stranger)
    and (not e or e.e < epoch or (e.e == epoch and e.m == me and e.s == session)) then
    put(u, me, session, epoch, now + ttl)
    mine[#mine + 1] = h
    has[u] = true
  else
    lost[#lost + 1] = u
  end
end

-- What is free. An entry that names me though I never had it, or gave it up, is of a table that lost its last changes: it rests for a lease.
local free, later, soonest = {}, {}, now + ttl
for _, u in ipairs(shares) do
  local e = entries[u]
  local account = string.match(u, '^(.*)/%d+$')
  local old = e and not e.stranger and e.e or 0
  local mineOnce = e and e.m == me and e.s == session and not has[u]
  if mineOnce and not dropped[u .. '|' .. int(e.e)] then
    put(u, '?', '?', e.e, now + ttl)
  elseif blocked[account] or has[u] or (e and e.stranger) then -- not free
  elseif not settled then
    if e and e.x > now and e.x < soonest then soonest = e.x end
  elseif not e and not (known[u] or knowers == 0 or now >= born + 2 * ttl) then
    if born + 2 * ttl < soonest then soonest = born + 2 * ttl end
  elseif not e or e.m == '' or e.x <= now or mineOnce then
    local since = e and e.m == '' and e.x > 0 and int(math.max(0, now - e.x))
    if known[u] then free[#free + 1] = {u, old, since} else later[#later + 1] = {u, old, since} end
  else
    if e.x < soonest then soonest = e.x end
    local member = members[e.m]
    if member and member.session == e.s then member.n = member.n + 1 end
  end
end
for _, f in ipairs(later) do free[#free + 1] = f end
if not settled and born + ttl < soonest then soonest = born + ttl end

-- As many as everybody may have, and one more only where enough is left for who has too few.
local left, shed, given = #free, 0, {}
if part and state == '' then
  local floor, ceil = math.floor(#shares / live), math.ceil(#shares / live)
  local need, coming = 0, 0
  for _, m in pairs(members) do
    need = need + math.max(0, floor - m.n)
    coming = coming + m.releasing
  end
  for _, f in ipairs(free) do
    if #mine >= ceil or (#mine >= floor and left <= need) then break end
    local epoch = t[1] * 1000000 + t[2]
    if epoch <= f[2] then epoch = f[2] + 1 end
    put(f[1], me, session, epoch, now + ttl)
    mine[#mine + 1] = f[1] .. '|' .. int(epoch)
    if f[3] then given[#given + 1] = f[1] .. '|' .. f[3] end
    left = left - 1
  end
  if settled then
    shed = math.max(0, #mine - ceil)
    if shed == 0 and #mine > floor then
      shed = math.max(0, math.min(#mine - floor, need - left - coming))
    end
    shed = math.max(0, shed - releasing)
  end
end
if part then
  redis.call('HSET', KEYS[2], me, session .. '|' .. #knownList .. '|' .. int(releasing + shed) .. '|' .. digest .. '|' .. version .. '|' .. int(now + ttl))
end
if state == '' and not settled then state = 'new' end

local unheld = {}
for _, u in ipairs(shares) do
  local e = entries[u]
  if not e or e.stranger or e.m == '' or e.m == '?' or e.x <= now then unheld[#unheld + 1] = u end
end
return {int(now), state, soonest - now, mine, lost, shed, alike, others - alike, unheld, differ, given}
