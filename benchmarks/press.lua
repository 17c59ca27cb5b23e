-- For wrk: requests from a file (one path a line), and what came of them as one line of JSON.
-- Arguments after "--": the file of paths, then (for writing) a file with the body to POST.

local paths, body, at = {}, nil, 0

function init(args)
  for line in io.lines(args[1]) do
    paths[#paths + 1] = line
  end
  if args[2] then
    body = io.open(args[2]):read("*a")
  end
  math.randomseed(20261122)
  at = math.random(#paths)
end

local token, headers = os.getenv("RELATUM_BENCH_TOKEN"), {}
if token and token ~= "" then
  headers["Authorization"] = "Bearer " .. token
end

function request()
  at = at % #paths + 1
  if body then
    headers["Content-Type"] = "application/json"
    return wrk.format("POST", paths[at], headers, body)
  end
  return wrk.format("GET", paths[at], headers)
end

function done(summary, latency, requests)
  local bad = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "bad": %d, "p50": %f, "p95": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, bad,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
