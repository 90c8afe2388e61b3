-- Letters without their accents: a dictionary that other dictionaries come after, and functions that apply it.

CREATE FUNCTION unaccent(regdictionary, text) RETURNS text LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/unaccent', 'unaccent_dict';
CREATE FUNCTION unaccent(text) RETURNS text LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/unaccent', 'unaccent_dict';
CREATE FUNCTION unaccent_init(internal) RETURNS internal LANGUAGE c PARALLEL SAFE
    AS '$libdir/unaccent', 'unaccent_init';
CREATE FUNCTION unaccent_lexize(internal, internal, internal, internal) RETURNS internal LANGUAGE c PARALLEL SAFE
    AS '$libdir/unaccent', 'unaccent_lexize';

CREATE TEXT SEARCH TEMPLATE unaccent (INIT = unaccent_init, LEXIZE = unaccent_lexize);
CREATE TEXT SEARCH DICTIONARY unaccent (TEMPLATE = unaccent, RULES = 'unaccent');
