-- What PostgreSQL lets every login do and no gate needs: temporary tables and large objects, with
-- which whoever has a gate's login could fill the disk. The owner of the database may forbid the
-- first, a superuser both; who may not changes nothing, and `hookgate fleet init` says so.
DO $$ BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
DO $$
DECLARE maker regprocedure;
BEGIN
  FOR maker IN
    SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
       AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import')
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', maker);
  END LOOP;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
