-- POSTs each line of the file $BODY in turn, or all of it, and tells what came of it as JSON.
-- With $TRACED every head is another, as where the sender adds a trace id to each request.
local requests, turn, count = {}, 0, 0
local traced = os.getenv("TRACED")

function init()
  local name = os.getenv("BODY")
  local text = assert(io.open(name, "rb")):read("*a")
  local bodies = {}
  if name:sub(-6) == ".jsonl" then
    for line in text:gmatch("[^\n]+") do bodies[#bodies + 1] = line end
  else
    bodies[1] = text
  end
  wrk.headers["Content-Type"] = "application/json"
  for index, body in ipairs(bodies) do
    local whole = wrk.format("POST", nil, nil, body)
    local line = whole:find("\r\n", 1, true) + 1
    requests[index] = { whole, whole:sub(1, line), whole:sub(line + 1) }
  end
end

function request()
  turn = turn % #requests + 1
  local parts = requests[turn]
  if not traced then return parts[1] end
  count = count + 1
  return parts[2] .. string.format("Traceparent: 00-%032x-%016x-01\r\n", count, turn) .. parts[3]
end

function done(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"seconds":%.6f,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
    '"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect, errors.read,
    errors.write, errors.timeout, latency:percentile(50), latency:percentile(99)))
end
