-- When a row was last changed.

CREATE FUNCTION moddatetime() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    type pg_catalog.oid;
BEGIN
    IF TG_LEVEL <> 'ROW' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'moddatetime: must be fired for row';
    ELSIF TG_WHEN <> 'BEFORE' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'moddatetime: must be fired before event';
    ELSIF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = pg_catalog.format('moddatetime: cannot process %s events', TG_OP);
    ELSIF TG_NARGS <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000',
            MESSAGE = pg_catalog.format('moddatetime (%s): A single argument was expected', TG_TABLE_NAME);
    END IF;
    SELECT atttypid INTO type FROM pg_catalog.pg_attribute
        WHERE attrelid = TG_RELID AND attname = TG_ARGV[0] AND attnum > 0 AND NOT attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '09000',
            MESSAGE = pg_catalog.format('"%s" has no attribute "%s"', TG_TABLE_NAME, TG_ARGV[0]);
    ELSIF type NOT IN ('pg_catalog.timestamp'::pg_catalog.regtype, 'pg_catalog.timestamptz'::pg_catalog.regtype) THEN
        RAISE EXCEPTION USING ERRCODE = '09000', MESSAGE = pg_catalog.format(
            'attribute "%s" of "%s" must be type TIMESTAMP or TIMESTAMPTZ', TG_ARGV[0], TG_TABLE_NAME);
    END IF;
    NEW := pg_catalog.jsonb_populate_record(NEW, pg_catalog.jsonb_build_object(TG_ARGV[0], 'now'));
    RETURN NEW;
END
$$;
