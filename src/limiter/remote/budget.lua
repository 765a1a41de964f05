-- One call of a process: what its requests have come to, and how many more it wants. The rules are those of
-- limiter/state.rs, which a test compares this with. All times are microseconds by the server's own clock.
--
-- What a process tells and is told are sums since it began, so a call whose answer was lost is told again.

local VERSION, LONGEST_PAUSE, FORGOTTEN_MS = 1, 24 * 3600 * 1000000, 30 * 24 * 3600 * 1000
local call = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Nothing is known of the last window where the state is missing, is of another form, or was written by
-- another server or before this one was restarted: its last changes, and its clock, may be others.
local function opened()
  local kept = redis.call('GET', KEYS[1])
  local read, state = pcall(cmsgpack.unpack, kept or '')
  if not read or type(state) ~= 'table' or state.version ~= VERSION then
    state = { version = VERSION, closed = 0, classes = {} }
  end
  if state.closed > now + LONGEST_PAUSE then state.closed = 0 end
  if state.server ~= call.server then
    state.server = call.server
    state.closed = math.max(state.closed, now + call.unknown)
    for _, class in pairs(state.classes) do
      class.due, class.replies = 0, {}
      if class.left then class.since = now end
      for _, sender in pairs(class.senders) do sender.heard = now end
    end
  end
  return state
end

local function out(sender) return math.max(0, sender.granted - sender.replied - sender.unused) end

-- So many replies count for a window from then on; a thousandth longer, so that they can be kept together.
local function count(class, count, since, window)
  local step = math.max(1, math.floor(window / 1000))
  local ends = math.ceil((since + window) / step) * step
  local last = class.replies[#class.replies]
  if last and last[1] == ends then
    last[2] = last[2] + count
  elseif count > 0 then
    table.insert(class.replies, { ends, count })
  end
end

-- Drops what counts no more. A process that was not heard of for as long as its requests may take has none.
local function tidy(class)
  local longest, gone = 0, false
  for name, sender in pairs(class.senders) do
    local ended = sender.heard + sender.hold
    if ended <= now then
      count(class, out(sender), ended, sender.window)
      class.senders[name], gone = nil, true
    elseif out(sender) > 0 then
      longest = math.max(longest, sender.window)
    end
  end
  -- They come in no order, and may have gone before others replied.
  if gone then table.sort(class.replies, function(one, other) return one[1] < other[1] end) end
  local replies, latest = {}, now + longest
  for _, reply in ipairs(class.replies) do
    if reply[1] > now then
      table.insert(replies, reply)
      latest = math.max(latest, reply[1])
    end
  end
  class.replies = replies
  class.due = math.min(class.due, latest)
end

local function counted(class)
  local sum = 0
  for _, reply in ipairs(class.replies) do sum = sum + reply[2] end
  for _, sender in pairs(class.senders) do sum = sum + out(sender) end
  return sum
end

-- The limit, or what others leave of it.
local function left_of(class, ask)
  if class.left then
    local windows = math.max(0, now - class.since) / ask.window
    local left = class.left + windows * math.max(1, ask.requests / 100)
    if left < ask.requests then return math.max(1, math.floor(left)) end
    class.left, class.since = nil, nil
  end
  return ask.requests
end

local function yield(class, ask)
  local left = left_of(class, ask)
  local went = math.min(counted(class), left)
  class.left = math.max(math.floor(went * 9 / 10), math.floor(ask.requests / 10), 1)
  class.since = now
end

-- What the process tells of itself. One that is not known, or knows more than the state, is believed.
local function told(class, ask)
  local known = class.senders[call.sender]
  local sender = known
    or { granted = ask.granted, replied = ask.replied, unused = ask.unused, yields = ask.yields, waits = false, turn = 0 }
  sender.granted = math.max(sender.granted, ask.granted)
  local replied = math.min(math.max(0, ask.replied - sender.replied), out(sender))
  sender.replied = sender.replied + replied
  local unused = math.min(math.max(0, ask.unused - sender.unused), out(sender))
  sender.unused = sender.unused + unused
  count(class, replied, now, ask.window)
  sender.window, sender.heard, sender.hold = ask.window, now, call.hold
  class.senders[call.sender] = sender
  local yields = known and ask.yields - sender.yields or ask.yields
  for _ = 1, math.min(yields, 10) do yield(class, ask) end
  sender.yields = math.max(sender.yields, ask.yields)
  return sender
end

-- The least turn of the others that wait.
local function least_turn(class)
  local least
  for name, sender in pairs(class.senders) do
    if name ~= call.sender and sender.waits and sender.heard + call.patience > now then
      least = math.min(least or sender.turn, sender.turn)
    end
  end
  return least
end

-- Grants what may be sent until the horizon, each when it is due from now on; else why not, and how long.
local function grant(class, ask, sender)
  local requests = left_of(class, ask)
  local burst = math.min(5, math.max(1, math.floor(requests / 100)))
  local period = math.max(1, math.ceil(ask.window / math.max(1, requests + 1 - burst)))
  local least = least_turn(class)
  if least and not sender.waits then sender.turn = math.max(sender.turn, least) end
  local used, due = counted(class), {}
  while #due < ask.want do
    if used >= requests then
      local first = class.replies[1]
      return due, 'full', first and first[1] - now or nil
    end
    local at = now
    if ask.paced then
      if least and sender.turn - least >= ask.ahead then return due, 'turn', nil end
      local next = class.due > 0 and class.due or now
      at = math.max(now, next - (burst - 1) * period)
      if at > now + call.horizon then return due, 'pace', at - now - call.horizon end
      class.due = math.max(next, now) + period
    end
    used, sender.granted, sender.turn = used + 1, sender.granted + 1, sender.turn + 1
    table.insert(due, at - now)
  end
  return due
end

-- What is used, for people.
local function usage(state)
  local users, senders = state.classes[call.count], {}
  for _, class in pairs(state.classes) do
    for name, sender in pairs(class.senders) do
      if out(sender) > 0 then table.insert(senders, name) end
    end
  end
  return { requests = users and counted(users) or 0, senders = #senders > 0 and senders or nil }
end

local is_there = redis.call('EXISTS', KEYS[1]) == 1
local state = opened()
for _, class in pairs(state.classes) do tidy(class) end
if call.look then
  return cjson.encode({ there = is_there, closed = math.max(0, state.closed - now), usage = usage(state) })
end
state.closed = math.max(state.closed, now + call.close)
local answers
for name, ask in pairs(call.classes) do
  local class = state.classes[name] or { due = 0, replies = {}, senders = {} }
  state.classes[name] = class
  local sender = told(class, ask)
  local due, why, wait = {}, nil, nil
  if state.closed <= now then due, why, wait = grant(class, ask, sender) end
  sender.waits = #due < ask.want
  if call.bye and out(sender) == 0 then class.senders[call.sender] = nil end
  answers = answers or {}
  answers[name] = { granted = sender.granted, due = #due > 0 and due or nil, why = why, wait = wait }
end
redis.call('SET', KEYS[1], cmsgpack.pack(state), 'PX', FORGOTTEN_MS)
return cjson.encode({ closed = math.max(0, state.closed - now), classes = answers })
