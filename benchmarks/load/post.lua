-- Posts the requests of a file in turn, one per line: bearer token, tab, body. In a body, @N@ becomes a number that never comes
-- twice, and @S@ a status that differs from lap to lap, so that every write changes something.
-- Counts answers that are no answers, and prints what was measured as one line of JSON.

local threads = {}
local headers, bodies, changes = {}, {}, {}
local ready = {}
local turn = 0

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  failed, sample = 0, ""
  turn = tonumber(args[2] or "0")
  for line in io.lines(args[1]) do
    local token, body = line:match("^(%S+)\t(.*)$")
    table.insert(headers, { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" })
    table.insert(bodies, body)
    table.insert(changes, body:find("@N@", 1, true) ~= nil)
  end
  for place, body in ipairs(bodies) do
    ready[place] = wrk.format("POST", nil, headers[place], body)
  end
  first = os.time() * 1000
end

function request()
  turn = turn + 1
  local place = (turn - 1) % #bodies + 1
  if not changes[place] then
    return ready[place]
  end
  local lap = math.floor((turn - 1) / #bodies)
  local status = lap % 2 == 0 and "IN_PROGRESS" or "TODO"
  local body = bodies[place]:gsub("@N@", string.format("%d", first + turn)):gsub("@S@", status)
  return wrk.format("POST", nil, headers[place], body)
end

-- Not an answer: another status than 200, an error, or nothing where the object should be.
function response(status, _, body)
  if status ~= 200 or body:find('"errors":[{', 1, true) or body:find('^{"data":{"[%w_]+":null') or body:find('^{"data":null') then
    failed = failed + 1
    if sample == "" then
      sample = status .. " " .. body:sub(1, 300)
    end
  end
end

function done(summary, latency, _)
  local failures, text = 0, ""
  for _, thread in ipairs(threads) do
    failures = failures + thread:get("failed")
    text = text == "" and thread:get("sample") or text
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p90_ms": %.4f, "p99_ms": %.4f, "max_ms": %.4f, "failed": %d, "lost": %d, "bytes": %d, "sample": %q}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(90) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000, failures, lost, summary.bytes, text:gsub('[%c"\\]', " ")))
end
