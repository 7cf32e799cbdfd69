-- POSTs each body of the file $BODY in turn, and tells what came of it as JSON. Every head has a
-- trace id that no other has, but with $ALIKE none has any.
local requests, turn, count = {}, 0, 0
local alike = os.getenv("ALIKE")

function init()
  local text = assert(io.open(os.getenv("BODY"), "rb")):read("*a")
  wrk.headers["Content-Type"] = "application/json"
  for body in text:gmatch("[^\30]+") do
    local whole = wrk.format("POST", nil, nil, body)
    local line = whole:find("\r\n", 1, true) + 1
    requests[#requests + 1] = {
      whole,
      whole:sub(1, line) .. "Traceparent: 00-",
      string.format("-%016x-01\r\n", #requests) .. whole:sub(line + 1),
    }
  end
end

function request()
  turn = turn % #requests + 1
  local parts = requests[turn]
  if alike then return parts[1] end
  count = count + 1
  return parts[2] .. string.format("%032x", count) .. parts[3]
end

function done(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"seconds":%.6f,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
    '"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect, errors.read,
    errors.write, errors.timeout, latency:percentile(50), latency:percentile(99)))
end
