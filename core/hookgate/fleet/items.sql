-- Version 3: what gates keep of what they refused, encrypted as it is there. Nobody here can read
-- it. Gates add to it and tell what has left their folders; whoever replays claims, and says what
-- became of it. It is not split by day: what has left has no body any more, what is held may stay
-- for longer than lines do, and a key over days would let one item be there twice.

CREATE TABLE hookgate.item (
  -- The SHA-256 of the body and 16 digits of the target's: an event that several gates keep has
  -- one name. `kept` is the SHA-256 of the file.
  name text COLLATE "C",
  gate text,
  kept bytea,
  kept_at timestamptz NOT NULL,
  custody boolean NOT NULL,
  -- Its `delivery`, as it lies beside it; nothing where there was none.
  record text,
  size integer NOT NULL,
  body bytea,
  received timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Who sends it, or did when he ended: a claim outlives the session, which holds an advisory lock
  -- of this number for as long as it lives.
  claim bigint,
  claimed_by name,
  claimed_at timestamptz,
  -- Why it has left, by whose word; `told` is that its gate knows.
  cause text CHECK (cause IN ('replayed', 'delivered', 'expired', 'purged')),
  left_at timestamptz,
  left_by name,
  told boolean NOT NULL DEFAULT false,
  PRIMARY KEY (name, gate, kept)
);
CREATE INDEX ON hookgate.item (kept);
CREATE INDEX ON hookgate.item (gate) WHERE cause IS NOT NULL AND NOT told;
-- It is encrypted, and so cannot be compressed.
ALTER TABLE hookgate.item ALTER COLUMN body SET STORAGE EXTERNAL;

-- Of these files, which the store lacks, or does not know to be in custody.
CREATE FUNCTION hookgate.lacking_items(of_kept bytea[], in_custody boolean[]) RETURNS SETOF bytea
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE here text := hookgate.this_gate();
BEGIN
  IF cardinality(of_kept) > 1000 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'too many items at once';
  END IF;
  RETURN QUERY SELECT a.kept FROM unnest(of_kept, in_custody) AS a (kept, custody)
   WHERE NOT EXISTS (SELECT FROM hookgate.item i WHERE i.kept = a.kept AND i.gate = here
                        AND (i.custody OR NOT a.custody));
END $$;

-- Take an item; one that is there changes nothing, but that it is in custody from now on.
CREATE FUNCTION hookgate.put_item(
  of_name text, of_kept bytea, at timestamptz, in_custody boolean, of_record text, content bytea
) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF of_name !~ '^[0-9a-f]{64}-[0-9a-f]{16}$' OR octet_length(content) > 33554432
     OR octet_length(of_record) > 262144 OR sha256(content) <> of_kept THEN
    RAISE invalid_parameter_value USING MESSAGE = 'no item of a quarantine';
  END IF;
  -- Readers know no other years.
  INSERT INTO hookgate.item AS i (name, gate, kept, kept_at, custody, record, size, body)
    VALUES (of_name, hookgate.this_gate(), of_kept,
            greatest(least(at, '9999-01-01 00:00+00'), '1970-01-01 00:00+00'), in_custody, of_record,
            octet_length(content), content)
    ON CONFLICT (name, gate, kept) DO UPDATE SET custody = true
      WHERE excluded.custody AND NOT i.custody;
END $$;

-- Tell that items have left the gate's folder. Their bodies stay until whoever administers the store
-- lets them go: a gate deletes nothing here.
CREATE FUNCTION hookgate.tell_left(of_kept bytea[], causes text[]) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE here text := hookgate.this_gate();
BEGIN
  IF cardinality(of_kept) > 1000 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'too many items at once';
  END IF;
  UPDATE hookgate.item i
     SET told = true, cause = coalesce(i.cause, a.cause),
         left_at = coalesce(i.left_at, clock_timestamp()), left_by = coalesce(i.left_by, session_user)
    FROM unnest(of_kept, causes) AS a (kept, cause)
   WHERE i.kept = a.kept AND i.gate = here AND NOT i.told;
END $$;

-- What has left the store by another word than the gate's, which has it still.
CREATE FUNCTION hookgate.left_items() RETURNS TABLE (name text, kept bytea, cause text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT i.name, i.kept, i.cause FROM hookgate.item i
   WHERE i.gate = hookgate.this_gate() AND i.cause IS NOT NULL AND NOT i.told LIMIT 1000;
$$;

-- Claim an item, and what other gates keep of the same event, for the session that holds the lock
-- `mine`: to `send` it, to `resend` what may have arrived, or to `release` it only. Returns '' where
-- it is claimed, else why not: `gone`, `claimed` by a session that lives, `unknown` as one ended
-- that had claimed it, `delivered` since it was kept.
CREATE FUNCTION hookgate.claim_item(
  of_name text, of_gate text, of_kept bytea, mine bigint, purpose text
) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  one record;
  since timestamptz;
BEGIN
  -- All rows of the name are locked in one order, whoever asks. What this session has claimed its
  -- gate may have told to be gone meanwhile.
  FOR one IN
    SELECT i.gate, i.kept, i.kept_at, i.claim FROM hookgate.item i
     WHERE i.name = of_name AND (i.cause IS NULL OR i.claim = mine)
     ORDER BY i.gate, i.kept FOR UPDATE
  LOOP
    IF one.gate = of_gate AND one.kept = of_kept THEN
      since := one.kept_at;
    END IF;
    IF one.claim <> mine THEN
      -- Shared, so that two who look at once do not take each other for its owner.
      IF NOT pg_try_advisory_xact_lock_shared(one.claim) THEN
        RETURN 'claimed';
      ELSIF purpose = 'send' THEN
        RETURN 'unknown';
      END IF;
    END IF;
  END LOOP;
  IF since IS NULL THEN
    RETURN 'gone';
  ELSIF purpose <> 'release' AND hookgate.has_arrived(of_name, since) THEN
    RETURN 'delivered';
  END IF;
  UPDATE hookgate.item i SET claim = mine, claimed_by = session_user, claimed_at = clock_timestamp()
   WHERE i.name = of_name AND i.cause IS NULL;
  RETURN '';
END $$;

-- Whether what is kept since a time was sent on since, from another gate's copy. Gates' words do
-- not count.
CREATE FUNCTION hookgate.has_arrived(of_name text, since timestamptz) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM hookgate.item i
     WHERE i.name = of_name AND i.cause IN ('replayed', 'delivered') AND i.left_at >= since
       AND NOT EXISTS (SELECT FROM hookgate.gate g WHERE g.login = i.left_by));
$$;

-- Give a claim back: what was claimed has not arrived.
CREATE FUNCTION hookgate.unclaim_item(of_name text, mine bigint) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE hookgate.item SET claim = NULL, claimed_by = NULL, claimed_at = NULL
   WHERE name = of_name AND claim = mine AND cause IS NULL;
$$;

-- Let an item go that is claimed, for a cause; with what was sent goes what other gates keep of the
-- same event. Returns whether it was claimed.
CREATE FUNCTION hookgate.release_item(
  of_name text, of_gate text, of_kept bytea, mine bigint, for_cause text
) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- The gate may have told of another cause meanwhile; what was sent was sent.
  UPDATE hookgate.item i
     SET cause = CASE WHEN i.gate = of_gate AND i.kept = of_kept THEN for_cause
                      ELSE 'delivered' END,
         left_at = clock_timestamp(), left_by = session_user, body = NULL, record = NULL
   WHERE i.name = of_name AND i.claim = mine
     AND (for_cause <> 'purged' OR (i.gate = of_gate AND i.kept = of_kept));
  RETURN FOUND;
END $$;

-- Delete what left, and what was received, before a day; but what is held in custody, and what has
-- left by another word than its gate's, which may have it still: it would be sent here again, as if
-- nobody had sent it on. Returns how many items that were.
CREATE FUNCTION hookgate.expire_items(before date) RETURNS bigint
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  WITH gone AS (
    DELETE FROM hookgate.item i
     WHERE (coalesce(i.left_at, i.received) AT TIME ZONE 'UTC')::date < before
       AND CASE WHEN i.cause IS NULL THEN NOT i.custody ELSE i.told END
    RETURNING 1
  )
  SELECT count(*) FROM gone;
$$;

REVOKE EXECUTE ON FUNCTION
  hookgate.lacking_items, hookgate.put_item, hookgate.tell_left, hookgate.left_items,
  hookgate.claim_item, hookgate.has_arrived, hookgate.unclaim_item, hookgate.release_item,
  hookgate.expire_items
  FROM PUBLIC;

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hookgate_replayer') THEN
    CREATE ROLE hookgate_replayer NOLOGIN;
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION
  hookgate.lacking_items, hookgate.put_item, hookgate.tell_left, hookgate.left_items
  TO hookgate_gate;
GRANT USAGE ON SCHEMA hookgate TO hookgate_replayer;
GRANT SELECT ON ALL TABLES IN SCHEMA hookgate TO hookgate_replayer;
GRANT SELECT ON hookgate.item TO hookgate_reader;
GRANT EXECUTE ON FUNCTION hookgate.has_arrived TO hookgate_reader, hookgate_replayer;
GRANT EXECUTE ON FUNCTION
  hookgate.claim_item, hookgate.unclaim_item, hookgate.release_item
  TO hookgate_replayer;

UPDATE hookgate.version SET version = 3;
