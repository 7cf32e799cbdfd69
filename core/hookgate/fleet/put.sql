-- Version 2: as many names of a line as it may have, where there were eight; and no time of a
-- gate's that no reader reads. Version 4: when a boot began by this server's clock.

-- Take lines of a boot that follow those before. Returns true where they are in the store now or
-- were before, false where others are expected: ask for the position again. `is_first` says that
-- the lines before these are gone.
CREATE OR REPLACE FUNCTION hookgate.put(
  of_boot text, at_n bigint, of_lines integer, after_digest text, last_digest text,
  from_time timestamptz, to_time timestamptz, of_size integer, digest bytea, content bytea,
  names bigint[], after_boot text, is_stop boolean, is_first boolean
) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  here text := hookgate.this_gate();
  known hookgate.boot;
  today date := hookgate.today();
  -- By how much the gate's clock is ahead of this server's, as its session told; of an older
  -- shipper it is not known.
  ahead interval := make_interval(
    secs => coalesce(nullif(current_setting('hookgate.ahead', true), ''), '0')::float8);
  here_began timestamptz := from_time - ahead;
BEGIN
  IF of_lines < 1 OR of_lines > 1000000 OR at_n < 1 OR octet_length(content) > 33554432
     OR length(of_boot) > 64 OR length(after_digest) > 64 OR length(last_digest) > 64
     OR length(after_boot) > 64 OR cardinality(names) > 71 * of_lines THEN
    RAISE invalid_parameter_value USING MESSAGE = 'no segment of a ledger';
  END IF;
  INSERT INTO hookgate.boot (boot, gate, began) VALUES (of_boot, here, here_began)
    ON CONFLICT (boot, gate) DO NOTHING;
  SELECT * INTO known FROM hookgate.boot b WHERE b.boot = of_boot AND b.gate = here FOR UPDATE;
  IF at_n < known.next_n THEN
    RETURN EXISTS (
      SELECT FROM hookgate.segment s
       WHERE s.boot = of_boot AND s.gate = here AND s.first_n = at_n AND s.sha256 = digest
         AND s.lines = of_lines);
  END IF;
  IF at_n > known.next_n AND NOT is_first THEN
    RETURN false;
  END IF;
  IF at_n = known.next_n AND known.tip <> '' AND known.tip <> after_digest THEN
    RETURN false;
  END IF;
  -- What was gone before the gate belonged to the fleet is no loss of it.
  IF at_n > known.next_n AND (known.next_n > 1 OR here_began >= (
       SELECT g.added FROM hookgate.gate g WHERE g.gate = here)) THEN
    INSERT INTO hookgate.finding (boot, gate, kind, first_n, last_n)
      VALUES (of_boot, here, 'lost', known.next_n, at_n - 1) ON CONFLICT DO NOTHING;
  END IF;
  IF to_regclass('hookgate.segment_' || to_char(today, 'YYYYMMDD')) IS NULL THEN
    PERFORM hookgate.make_day(today);
  END IF;
  INSERT INTO hookgate.segment
    VALUES (of_boot, here, at_n, of_lines, after_digest, last_digest, from_time, to_time, of_size,
            digest, content, clock_timestamp(), today);
  INSERT INTO hookgate.name
    SELECT n, of_boot, here, at_n, today FROM unnest(names) n;
  UPDATE hookgate.boot b
     SET next_n = at_n + of_lines, tip = last_digest, ended = to_time,
         received = clock_timestamp(), follows = coalesce(b.follows, after_boot),
         stopped = known.stopped OR is_stop
   WHERE b.boot = of_boot AND b.gate = here;
  RETURN true;
END $$;

-- Tell that the shipper lives, and how far it is behind; a time that readers
-- cannot read would keep them from all gates. Returns the gate that is logged in.
CREATE OR REPLACE FUNCTION hookgate.hello(of_software text, bytes_behind bigint, since timestamptz)
  RETURNS text
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE hookgate.gate
     SET seen = clock_timestamp(), software = left(of_software, 64), behind = bytes_behind,
         behind_since = CASE WHEN since IS NOT NULL
           THEN least(greatest(since, '1970-01-01 00:00+00'), clock_timestamp()) END
   WHERE gate = hookgate.this_gate() RETURNING gate;
$$;

REVOKE EXECUTE ON FUNCTION hookgate.put, hookgate.hello FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hookgate.put, hookgate.hello TO hookgate_gate;

UPDATE hookgate.version SET version = 2;
