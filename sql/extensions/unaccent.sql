-- Letters without their accents. The dictionary for text search is not there, so neither is the function that names one.

CREATE FUNCTION unaccent(text) RETURNS text LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/unaccent', 'unaccent_dict';
