-- A dictionary of groups of synonyms.

CREATE FUNCTION dxsyn_init(internal) RETURNS internal LANGUAGE c STRICT AS '$libdir/dict_xsyn', 'dxsyn_init';
CREATE FUNCTION dxsyn_lexize(internal, internal, internal, internal) RETURNS internal LANGUAGE c STRICT
    AS '$libdir/dict_xsyn', 'dxsyn_lexize';

CREATE TEXT SEARCH TEMPLATE xsyn_template (LEXIZE = dxsyn_lexize, INIT = dxsyn_init);
CREATE TEXT SEARCH DICTIONARY xsyn (TEMPLATE = xsyn_template);
COMMENT ON TEXT SEARCH DICTIONARY xsyn IS 'eXtended synonym dictionary';
