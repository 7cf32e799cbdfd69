-- The tables of a fleet, version 1, for PostgreSQL 14 and newer. Run as whoever may create roles.
-- Gates log in each with a role of its own, and may call the functions below and nothing else:
-- what was received is neither changed nor deleted by them. Every key begins with the boot or the
-- event, there are neither sequences nor references, and what grows is split by day.

CREATE SCHEMA hookgate;
REVOKE ALL ON SCHEMA hookgate FROM PUBLIC;

CREATE TABLE hookgate.version (version integer NOT NULL);
INSERT INTO hookgate.version VALUES (1);

-- `seen` is when its shipper last said that it lives; `behind` how many bytes it had then still to
-- send, the oldest of which were written at `behind_since`.
CREATE TABLE hookgate.gate (
  gate text PRIMARY KEY,
  login name NOT NULL UNIQUE,
  added timestamptz NOT NULL DEFAULT now(),
  seen timestamptz,
  software text,
  behind bigint,
  behind_since timestamptz
);

-- How far each boot was received: the next line's number, and the digest of the last one. `follows`
-- is the boot before it in the same file, as its start says: one that is followed runs no more.
-- `began` is by this server's clock, as far as the gate's shipper told how its own differs.
CREATE TABLE hookgate.boot (
  boot text,
  gate text,
  follows text,
  next_n bigint NOT NULL DEFAULT 1,
  tip text NOT NULL DEFAULT '',
  began timestamptz,
  ended timestamptz,
  stopped boolean NOT NULL DEFAULT false,
  received timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (boot, gate)
);

-- Lines as they were written, compressed together. `day` is that of the receipt, by this server's
-- clock: no gate chooses what is expired.
CREATE TABLE hookgate.segment (
  boot text,
  gate text,
  first_n bigint,
  lines integer NOT NULL,
  prev text NOT NULL,
  tip text NOT NULL,
  began timestamptz NOT NULL,
  ended timestamptz NOT NULL,
  size integer NOT NULL,
  sha256 bytea NOT NULL,
  body bytea NOT NULL,
  received timestamptz NOT NULL DEFAULT now(),
  day date NOT NULL,
  PRIMARY KEY (boot, gate, first_n, day)
) PARTITION BY RANGE (day);
-- It is compressed already.
ALTER TABLE hookgate.segment ALTER COLUMN body SET STORAGE EXTERNAL;

-- Which segments tell of an event: by the first 8 bytes of the SHA-256 of each of its names. An
-- integer takes half the time of bytea, an index without uniqueness four fifths.
CREATE TABLE hookgate.name (
  name bigint NOT NULL,
  boot text NOT NULL,
  gate text NOT NULL,
  first_n bigint NOT NULL,
  day date NOT NULL
) PARTITION BY RANGE (day);
CREATE INDEX ON hookgate.name (name);

-- Lines that a gate has where others were received before: both are kept.
CREATE TABLE hookgate.fork (
  boot text,
  gate text,
  first_n bigint,
  sha256 bytea,
  lines integer NOT NULL,
  prev text NOT NULL,
  tip text NOT NULL,
  size integer NOT NULL,
  body bytea NOT NULL,
  received timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (boot, gate, first_n, sha256)
);

-- What a gate could not send: lines that were gone before (`lost`), and lines that were received
-- and that it has no more (`cut`).
CREATE TABLE hookgate.finding (
  boot text,
  gate text,
  kind text CHECK (kind IN ('lost', 'cut')),
  first_n bigint,
  last_n bigint NOT NULL,
  told timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (boot, gate, kind, first_n)
);

CREATE TABLE hookgate.expiry (
  day date PRIMARY KEY,
  segments bigint NOT NULL,
  lines bigint NOT NULL,
  by name NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT now()
);

-- The gate that is logged in. Raises where the login is no gate's.
CREATE FUNCTION hookgate.this_gate() RETURNS text
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_gate text;
BEGIN
  SELECT gate INTO found_gate FROM hookgate.gate WHERE login = session_user;
  IF found_gate IS NULL THEN
    RAISE insufficient_privilege USING MESSAGE = 'this login belongs to no gate';
  END IF;
  RETURN found_gate;
END $$;

-- Today in UTC by this server's clock, whatever zone a session is set to and however long ago its
-- transaction began.
CREATE FUNCTION hookgate.today() RETURNS date
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
  AS $$ SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date $$;

-- Make the partitions of a day, if they are not there. The lock is on a table, which no gate may
-- take by itself; an advisory one anybody may.
CREATE FUNCTION hookgate.make_day(wanted date) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE kind text; part text;
BEGIN
  LOCK TABLE hookgate.expiry IN SHARE ROW EXCLUSIVE MODE;
  FOREACH kind IN ARRAY ARRAY['segment', 'name'] LOOP
    part := format('%s_%s', kind, to_char(wanted, 'YYYYMMDD'));
    IF to_regclass('hookgate.' || part) IS NULL THEN
      -- Attached, so that those who read and write the other days go on meanwhile.
      EXECUTE format('CREATE TABLE hookgate.%I (LIKE hookgate.%I INCLUDING ALL)', part, kind);
      EXECUTE format('ALTER TABLE hookgate.%I ATTACH PARTITION hookgate.%I FOR VALUES FROM (%L) TO (%L)',
                     kind, part, wanted, wanted + 1);
    END IF;
  END LOOP;
END $$;

-- How far a boot of this gate was received; nothing was where there is no row.
CREATE FUNCTION hookgate.position(of_boot text, OUT next_n bigint, OUT tip text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT b.next_n, b.tip FROM hookgate.boot b
   WHERE b.boot = of_boot AND b.gate = hookgate.this_gate();
$$;

-- Keep lines that are others than were received at their place; of a boot at most 256 segments.
-- Returns whether they are kept.
CREATE FUNCTION hookgate.put_fork(
  of_boot text, at_n bigint, of_lines integer, after_digest text, last_digest text,
  of_size integer, digest bytea, content bytea
) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE here text := hookgate.this_gate();
BEGIN
  IF octet_length(content) > 33554432 OR length(after_digest) > 64 OR length(last_digest) > 64 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'no segment of a ledger';
  END IF;
  -- Locks the boot, so that two do not both put the last one.
  PERFORM FROM hookgate.boot b WHERE b.boot = of_boot AND b.gate = here FOR UPDATE;
  IF NOT FOUND
     OR (SELECT count(*) >= 256 FROM hookgate.fork f WHERE f.boot = of_boot AND f.gate = here) THEN
    RETURN false;
  END IF;
  INSERT INTO hookgate.fork
    VALUES (of_boot, here, at_n, digest, of_lines, after_digest, last_digest, of_size, content,
            clock_timestamp())
    ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- Tell that the gate has no more what was received of a boot.
CREATE FUNCTION hookgate.tell_cut(of_boot text, from_n bigint) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO hookgate.finding (boot, gate, kind, first_n, last_n)
  SELECT b.boot, b.gate, 'cut', from_n, b.next_n - 1 FROM hookgate.boot b
   WHERE b.boot = of_boot AND b.gate = hookgate.this_gate() AND b.next_n > from_n
  ON CONFLICT DO NOTHING;
$$;

-- Delete what was received before a day, a whole day at a time, and write down how much it was.
-- How far each boot was received stays: what a gate still has is not sent again.
CREATE FUNCTION hookgate.expire(before date) RETURNS SETOF hookgate.expiry
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE part record;
BEGIN
  IF before > hookgate.today() THEN
    RAISE invalid_parameter_value USING MESSAGE = 'that day is not over';
  END IF;
  LOCK TABLE hookgate.expiry IN SHARE ROW EXCLUSIVE MODE;
  FOR part IN
    SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'hookgate.segment'::regclass
       AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
     ORDER BY 2
  LOOP
    EXECUTE format('INSERT INTO hookgate.expiry AS e (day, segments, lines)
                    SELECT %L, count(*), coalesce(sum(lines), 0) FROM hookgate.%I
                    ON CONFLICT (day) DO UPDATE SET segments = e.segments + excluded.segments,
                      lines = e.lines + excluded.lines, by = session_user, at = now()',
                   part.day, part.relname);
    EXECUTE format('DROP TABLE hookgate.%I', part.relname);
    EXECUTE format('DROP TABLE IF EXISTS hookgate.%I', 'name_' || right(part.relname, 8));
  END LOOP;
  WITH gone AS (
    DELETE FROM hookgate.fork f WHERE (f.received AT TIME ZONE 'UTC')::date < before
    RETURNING (f.received AT TIME ZONE 'UTC')::date AS day, f.lines
  )
  INSERT INTO hookgate.expiry AS e (day, segments, lines)
    SELECT g.day, count(*), sum(g.lines) FROM gone g GROUP BY g.day
    ON CONFLICT (day) DO UPDATE SET segments = e.segments + excluded.segments,
      lines = e.lines + excluded.lines, by = session_user, at = now();
  RETURN QUERY SELECT * FROM hookgate.expiry e WHERE e.at = now() ORDER BY e.day;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA hookgate FROM PUBLIC;

-- What a gate may do, and what whoever reads may.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hookgate_gate') THEN
    CREATE ROLE hookgate_gate NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hookgate_reader') THEN
    CREATE ROLE hookgate_reader NOLOGIN;
  END IF;
END $$;
GRANT USAGE ON SCHEMA hookgate TO hookgate_gate, hookgate_reader;
GRANT EXECUTE ON FUNCTION
  hookgate.position, hookgate.put_fork, hookgate.tell_cut
  TO hookgate_gate;
GRANT SELECT ON ALL TABLES IN SCHEMA hookgate TO hookgate_reader;
