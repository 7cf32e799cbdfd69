"""What a store is asked for by whoever reads ledgers there. All that is asked by name is here."""

# Of bytes of text: what one query fetches, and a process reads at a time; few segments more.
CHUNK = 8 << 20
# A larger segment no shipper makes, nor one with shorter lines, nor one that is so badly packed.
_LARGEST = 4 << 20
SHORTEST_LINE = 32
_UNPACKED = 1024
_LEAST = 512

# What no shipper makes is left out, and so is missed where it should stand.
_SANE = f"""
lines BETWEEN 1 AND size / {SHORTEST_LINE} AND size <= {_LARGEST}
AND octet_length(body) <= size + {_UNPACKED}"""
_SCOPE = """
(%(gates)s::text[] IS NULL OR gate = ANY (%(gates)s))
AND (%(day)s::date IS NULL OR day >= %(day)s)
AND (%(since)s::timestamptz IS NULL OR ended >= %(since)s)
AND (%(until)s::timestamptz IS NULL OR began < %(until)s)"""
# A boot's segments that follow one another are a part, cut into chunks that one query may fetch.
CHUNKS = f"""
WITH one AS (
  SELECT gate, boot, first_n, lines, size, began, day,
         first_n - lag(first_n + lines) OVER boots AS gap,
         sum(greatest(size, {_LEAST})) OVER boots AS upto
    FROM hookgate.segment WHERE {_SCOPE} AND {_SANE}
  WINDOW boots AS (PARTITION BY boot, gate ORDER BY first_n)
), parts AS (
  SELECT *, count(*) FILTER (WHERE gap <> 0) OVER (PARTITION BY boot, gate ORDER BY first_n) AS part
    FROM one
)
SELECT gate, boot, part, min(first_n), max(first_n), sum(lines)::bigint, sum(size)::bigint,
       min(day), max(day), extract(epoch FROM min(began))::float8
  FROM parts GROUP BY boot, gate, part, upto / %(chunk)s ORDER BY boot, gate, part, min(first_n)"""  # noqa: S608  # ours
ROWS = f"""
SELECT first_n, lines, size, sha256, CASE WHEN {_SANE} THEN body END
  FROM hookgate.segment
 WHERE boot = %s AND gate = %s AND first_n BETWEEN %s AND %s AND day BETWEEN %s AND %s
 ORDER BY first_n"""  # noqa: S608  # ours
NAMED = f"""
SELECT DISTINCT gate, boot, first_n, lines, size, day, extract(epoch FROM began)::float8, {_SANE}
  FROM hookgate.name n JOIN hookgate.segment s USING (boot, gate, first_n, day)
 WHERE n.name = ANY (%(names)s) AND {_SCOPE} ORDER BY boot, gate, first_n"""  # noqa: S608  # ours
# What no shipper makes.
ODD = f"""
SELECT gate, boot, first_n, lines, size, day, extract(epoch FROM began)::float8, false
  FROM hookgate.segment WHERE {_SCOPE} AND NOT ({_SANE}) ORDER BY boot, gate, first_n"""  # noqa: S608  # ours
# How far each boot was received whose last lines were not deleted for their age, the last day of
# which that was done, and the beginnings of some boots.
ENDS = """
SELECT gate, boot, next_n FROM hookgate.boot
 WHERE next_n > 1 AND (received AT TIME ZONE 'UTC')::date
       > coalesce((SELECT max(day) FROM hookgate.expiry), '-infinity')"""
EXPIRED = "SELECT max(day) FROM hookgate.expiry"
# A boot that another follows runs no more. Of a gate that was never heard of nothing is known.
RUNNING = """
SELECT gate FROM hookgate.gate WHERE seen IS NULL UNION
SELECT DISTINCT b.gate FROM hookgate.boot b
 WHERE NOT b.stopped
   AND NOT EXISTS (SELECT FROM hookgate.boot a WHERE a.gate = b.gate AND a.follows = b.boot)"""
BEGINNINGS = f"""
SELECT gate, boot, first_n, lines, size, day, extract(epoch FROM began)::float8, {_SANE}
  FROM hookgate.segment WHERE (boot, gate) IN
       (SELECT * FROM unnest(%(boots)s::text[], %(of)s::text[])) AND first_n = 1"""  # noqa: S608  # ours
