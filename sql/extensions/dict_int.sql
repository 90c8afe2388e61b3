-- A dictionary of numbers.

CREATE FUNCTION dintdict_init(internal) RETURNS internal LANGUAGE c STRICT AS '$libdir/dict_int', 'dintdict_init';
CREATE FUNCTION dintdict_lexize(internal, internal, internal, internal) RETURNS internal LANGUAGE c STRICT
    AS '$libdir/dict_int', 'dintdict_lexize';

CREATE TEXT SEARCH TEMPLATE intdict_template (LEXIZE = dintdict_lexize, INIT = dintdict_init);
CREATE TEXT SEARCH DICTIONARY intdict (TEMPLATE = intdict_template);
COMMENT ON TEXT SEARCH DICTIONARY intdict IS 'dictionary for integers';
