-- Columns that a sequence fills where they are NULL or zero.

CREATE FUNCTION autoinc() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    type pg_catalog.oid;
    value integer;
BEGIN
    IF TG_LEVEL <> 'ROW' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'must be fired for row';
    ELSIF TG_WHEN <> 'BEFORE' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'must be fired before event';
    ELSIF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'cannot process DELETE events';
    ELSIF TG_NARGS = 0 OR TG_NARGS % 2 <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000',
            MESSAGE = pg_catalog.format('autoinc (%s): even number gt 0 of arguments was expected', TG_TABLE_NAME);
    END IF;
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        SELECT atttypid INTO type FROM pg_catalog.pg_attribute
            WHERE attrelid = TG_RELID AND attname = TG_ARGV[i] AND attnum > 0 AND NOT attisdropped;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = '09000',
                MESSAGE = pg_catalog.format('"%s" has no attribute "%s"', TG_TABLE_NAME, TG_ARGV[i]);
        ELSIF type <> 'pg_catalog.int4'::pg_catalog.regtype THEN
            RAISE EXCEPTION USING ERRCODE = '09000',
                MESSAGE = pg_catalog.format('attribute "%s" of "%s" must be type INT4', TG_ARGV[i], TG_TABLE_NAME);
        END IF;
        EXECUTE pg_catalog.format('SELECT ($1::%s).%I', TG_RELID::pg_catalog.regclass, TG_ARGV[i]) INTO value USING NEW::text;
        IF value IS NULL OR value = 0 THEN
            value := pg_catalog.nextval(TG_ARGV[i + 1]::pg_catalog.regclass);
            IF value = 0 THEN
                value := pg_catalog.nextval(TG_ARGV[i + 1]::pg_catalog.regclass);
            END IF;
            NEW := pg_catalog.jsonb_populate_record(NEW, pg_catalog.jsonb_build_object(TG_ARGV[i], value));
        END IF;
    END LOOP;
    RETURN NEW;
END
$$;
