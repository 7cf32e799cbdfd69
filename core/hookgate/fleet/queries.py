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
# Of whoever follows what is received: what a second of it may cost is bounded here. A gate has 256
# workers at most; boots that a forger plants push out others of his gate alone.
_MOST_BOOTS, MOST_SEGMENTS = 320, 32
# What each gate is, and its boots of which something was received of late.
LATELY = f"""
SELECT g.gate, g.seen, g.software, g.behind, g.behind_since, clock_timestamp() AS now, h.received,
       b.boot, b.next_n
  FROM hookgate.gate g
  LEFT JOIN LATERAL (SELECT received FROM hookgate.boot WHERE gate = g.gate
                      ORDER BY received DESC LIMIT 1) h ON true
  LEFT JOIN LATERAL (SELECT boot, next_n FROM hookgate.boot
                      WHERE gate = g.gate AND received >= now() - %(span)s::interval
                      ORDER BY received DESC LIMIT {_MOST_BOOTS}) b ON true
 ORDER BY g.gate"""  # noqa: S608  # ours
# RUNNING, as far as the last boots of each gate tell.
RUNNING_LATELY = f"""
SELECT g.gate FROM hookgate.gate g
  LEFT JOIN LATERAL (
    SELECT array_agg(boot) FILTER (WHERE NOT stopped) AS boots, array_agg(follows) AS followed
      FROM (SELECT boot, stopped, follows FROM hookgate.boot WHERE gate = g.gate
             ORDER BY received DESC LIMIT {_MOST_BOOTS}) one) b ON true
 WHERE g.seen IS NULL
    OR EXISTS (SELECT unnest(b.boots) EXCEPT SELECT unnest(b.followed))"""  # noqa: S608  # ours
# What boots have that is not read, of each the oldest.
FRESH = f"""
SELECT s.* FROM unnest(%(gates)s::text[], %(boots)s::text[], %(froms)s::bigint[], %(tos)s::bigint[])
            AS w (gate, boot, from_n, to_n)
 CROSS JOIN LATERAL (
   SELECT gate, boot, first_n, lines, size, day, received, {_SANE} AS is_sane
     FROM hookgate.segment
    WHERE boot = w.boot AND gate = w.gate AND first_n >= w.from_n AND first_n < w.to_n
      AND day >= %(day)s AND received >= %(since)s
    ORDER BY first_n LIMIT {MOST_SEGMENTS}) s"""  # noqa: S608  # ours
# The last ones of a gate's boots, as many as are not too large together, and when the last of the
# others came.
PAST = f"""
SELECT gate, boot, first_n, lines, size, day, received, is_sane, left_at
  FROM (SELECT *, max(CASE WHEN upto > %(size)s THEN received END) OVER () AS left_at
  FROM (SELECT s.*, sum(greatest(size, {_LEAST * 8})) OVER (ORDER BY received DESC) AS upto
          FROM unnest(%(boots)s::text[], %(tos)s::bigint[]) AS w (boot, to_n)
         CROSS JOIN LATERAL (
           SELECT gate, boot, first_n, lines, size, day, received, {_SANE} AS is_sane
             FROM hookgate.segment
            WHERE boot = w.boot AND gate = %(gate)s AND first_n < w.to_n AND day >= %(day)s
            ORDER BY first_n DESC LIMIT %(most)s) s
         WHERE received >= %(since)s) one) two
 WHERE upto <= %(size)s"""  # noqa: S608  # ours
BODIES = """
SELECT gate, boot, first_n, lines, size, sha256, body FROM hookgate.segment
 WHERE (boot, gate, first_n, day) IN
       (SELECT * FROM unnest(%(boots)s::text[], %(gates)s::text[], %(firsts)s::bigint[],
                             %(days)s::date[]))"""
# How often a gate's lines were found not to be as they should, since a time; of a gate at most so
# often.
_MOST_FOUND = 1000
FOUND = f"""
SELECT g.gate, f.kind, count(*) FROM hookgate.gate g
 CROSS JOIN LATERAL (SELECT kind FROM hookgate.finding WHERE gate = g.gate AND told >= %(since)s
                      ORDER BY told DESC LIMIT {_MOST_FOUND}) f GROUP BY g.gate, f.kind
UNION ALL
SELECT g.gate, 'fork', count(DISTINCT f.boot) FROM hookgate.gate g
 CROSS JOIN LATERAL (SELECT boot FROM hookgate.fork WHERE gate = g.gate AND received >= %(since)s
                      ORDER BY received DESC LIMIT {_MOST_FOUND}) f GROUP BY g.gate"""  # noqa: S608  # ours
