-- Who changed a row.

CREATE FUNCTION insert_username() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    type pg_catalog.oid;
BEGIN
    IF TG_LEVEL <> 'ROW' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'insert_username: must be fired for row';
    ELSIF TG_WHEN <> 'BEFORE' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'insert_username: must be fired before event';
    ELSIF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'insert_username: cannot process DELETE events';
    ELSIF TG_NARGS <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000',
            MESSAGE = pg_catalog.format('insert_username (%s): one argument was expected', TG_TABLE_NAME);
    END IF;
    SELECT atttypid INTO type FROM pg_catalog.pg_attribute
        WHERE attrelid = TG_RELID AND attname = TG_ARGV[0] AND attnum > 0 AND NOT attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '09000',
            MESSAGE = pg_catalog.format('"%s" has no attribute "%s"', TG_TABLE_NAME, TG_ARGV[0]);
    ELSIF type <> 'pg_catalog.text'::pg_catalog.regtype THEN
        RAISE EXCEPTION USING ERRCODE = '09000',
            MESSAGE = pg_catalog.format('attribute "%s" of "%s" must be type TEXT', TG_ARGV[0], TG_TABLE_NAME);
    END IF;
    NEW := pg_catalog.jsonb_populate_record(NEW, pg_catalog.jsonb_build_object(TG_ARGV[0], CURRENT_USER::pg_catalog.text));
    RETURN NEW;
END
$$;
