#!/usr/bin/env bash
# Writes the tables in this folder from a fresh database of a running PostgreSQL 15.
# usage: PGHOST=… PGPORT=… PGUSER=… PGDATABASE=… ./export.sh
# Columns are separated by tabs, the first line names them, a missing value is \N; reg… columns are names.
set -eu
cd "$(dirname "$0")"

export_table() {
    psql -X -q -v ON_ERROR_STOP=1 -c "SET search_path = pg_catalog" \
        -c "COPY ($2) TO STDOUT (FORMAT csv, DELIMITER E'\t', HEADER, NULL '\N', QUOTE E'\b')" >"$1.tsv"
}

export_table pg_type "
    SELECT oid, typname, typnamespace, typowner, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined,
           typdelim, typrelid, typsubscript, typelem, typarray, typinput, typoutput, typreceive, typsend, typmodin,
           typmodout, typanalyze, typalign, typstorage, typnotnull, typbasetype, typtypmod, typndims, typcollation,
           typdefault
      FROM pg_type WHERE oid < 16384 ORDER BY oid"

export_table pg_range "
    SELECT rngtypid, rngsubtype, rngmultitypid, rngcollation, rngsubopc, rngcanonical, rngsubdiff
      FROM pg_range WHERE rngtypid < 16384 ORDER BY rngtypid"

# The fields of the row types of pg_type.tsv.
export_table row_fields "
    SELECT c.reltype, a.attname, a.atttypid, a.atttypmod
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.reltype <> 0 AND c.reltype < 16384 AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY c.reltype, a.attnum"
