-- Who listens hears which rows change, by their primary keys.

CREATE FUNCTION triggered_change_notification() RETURNS pg_catalog.trigger LANGUAGE plpgsql AS $$
DECLARE
    payload pg_catalog.text := pg_catalog.format('"%s",%s', pg_catalog.replace(TG_TABLE_NAME, '"', '""'), pg_catalog.left(TG_OP, 1));
    name pg_catalog.name;
    value pg_catalog.text;
    changed pg_catalog.text;
BEGIN
    IF TG_WHEN <> 'AFTER' THEN
        RAISE EXCEPTION USING ERRCODE = '39P01', MESSAGE = 'triggered_change_notification: must be called after the change';
    ELSIF TG_LEVEL <> 'ROW' THEN
        RAISE EXCEPTION USING ERRCODE = '39P01', MESSAGE = 'triggered_change_notification: must be called for each row';
    ELSIF TG_NARGS > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '39P01',
            MESSAGE = 'triggered_change_notification: must not be called with more than one parameter';
    END IF;
    changed := CASE WHEN TG_OP = 'INSERT' THEN NEW::pg_catalog.text ELSE OLD::pg_catalog.text END;
    FOR name IN
        SELECT a.attname FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY k(attnum, place),
            pg_catalog.pg_attribute a
        WHERE i.indrelid = TG_RELID AND i.indisprimary AND i.indisvalid AND k.place <= i.indnkeyatts
            AND a.attrelid = i.indrelid AND a.attnum = k.attnum
        ORDER BY k.place
    LOOP
        EXECUTE pg_catalog.format('SELECT pg_catalog.format(''%%s'', ($1::%s).%I)', TG_RELID::pg_catalog.regclass, name)
            INTO value USING changed;
        payload := pg_catalog.format('%s,"%s"=''%s''', payload, pg_catalog.replace(name, '"', '""'),
            pg_catalog.replace(value, '''', ''''''));
    END LOOP;
    IF value IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '39P01',
            MESSAGE = 'triggered_change_notification: must be called on a table with a primary key';
    END IF;
    PERFORM pg_catalog.pg_notify(COALESCE(TG_ARGV[0], 'tcn'), payload);
    RETURN NULL;
END
$$;
