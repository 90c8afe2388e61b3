-- An access method for equality in any of several columns.

CREATE FUNCTION blhandler(internal) RETURNS index_am_handler LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS '$libdir/bloom', 'blhandler';
CREATE ACCESS METHOD bloom TYPE INDEX HANDLER blhandler;
COMMENT ON ACCESS METHOD bloom IS 'bloom index access method';
CREATE OPERATOR CLASS int4_ops DEFAULT FOR TYPE integer USING bloom AS OPERATOR 1 =, FUNCTION 1 hashint4(integer);
CREATE OPERATOR CLASS text_ops DEFAULT FOR TYPE text USING bloom AS OPERATOR 1 =, FUNCTION 1 hashtext(text);
