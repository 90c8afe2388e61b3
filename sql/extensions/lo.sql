-- Large objects that go with the rows that refer to them.

CREATE DOMAIN lo AS pg_catalog.oid;

CREATE FUNCTION lo_oid(lo) RETURNS pg_catalog.oid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS 'SELECT $1::pg_catalog.oid';

CREATE FUNCTION lo_manage() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$
DECLARE
    before pg_catalog.oid;
    after pg_catalog.oid;
BEGIN
    IF TG_LEVEL <> 'ROW' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = pg_catalog.format('%s: must be fired for row', TG_NAME);
    END IF;
    IF TG_NARGS = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000',
            MESSAGE = pg_catalog.format('%s: no column name provided in the trigger definition', TG_NAME);
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute
        WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attname = TG_ARGV[0]
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000',
            MESSAGE = pg_catalog.format('%s: column "%s" does not exist', TG_NAME, TG_ARGV[0]);
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    EXECUTE pg_catalog.format('SELECT ($1::%s).%I', TG_RELID::pg_catalog.regclass, TG_ARGV[0]) INTO before USING OLD::text;
    IF TG_OP = 'UPDATE' THEN
        EXECUTE pg_catalog.format('SELECT ($1::%s).%I', TG_RELID::pg_catalog.regclass, TG_ARGV[0]) INTO after USING NEW::text;
        IF before IS NOT NULL AND before IS DISTINCT FROM after THEN
            PERFORM pg_catalog.lo_unlink(before);
        END IF;
        RETURN NEW;
    END IF;
    IF before IS NOT NULL THEN
        PERFORM pg_catalog.lo_unlink(before);
    END IF;
    RETURN OLD;
END
$$;
