#!/usr/bin/env bash
# Writes the relations of pg_catalog and information_schema from a running PostgreSQL 15 (fresh cluster):
#   PGHOST=127.0.0.1 PGPORT=5432 PGUSER=postgres src/catalog/facts/export.sh [database]
#
# system_relations.tsv   one line per table (r) or view (v): oid, schema, name, kind, row type, shared, acl
# system_columns.tsv     one line per column in order: relation, name, type, modifier, not null, collation, acl
# system_indexes.tsv     one line per index of a table: oid, name, table, unique, primary, constraint, columns, classes
# ../../../sql/system_views.sql   the views' queries as pg_get_viewdef prints them
set -euo pipefail
cd "$(dirname "$0")"
database=${1:-template1}
relations="FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid < 16384 AND c.relkind IN ('r', 'v')
      AND n.nspname IN ('pg_catalog', 'information_schema')"

run() { psql -X -q -v ON_ERROR_STOP=1 -d "$database" -c "SET search_path = pg_catalog" "$@"; }

run -c "COPY (SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltype, c.relisshared, c.relacl $relations ORDER BY c.oid)
        TO STDOUT WITH (FORMAT text, HEADER)" >system_relations.tsv
run -c "COPY (SELECT attrelid, attname, atttypid, atttypmod, attnotnull, attcollation, attacl FROM pg_attribute
              WHERE attnum > 0 AND attrelid IN (SELECT c.oid $relations) ORDER BY attrelid, attnum)
        TO STDOUT WITH (FORMAT text, HEADER)" >system_columns.tsv
{
    cat <<'HEADER'
-- PostgreSQL 15's system views, as pg_get_viewdef prints them (src/catalog/facts/export.sh). They are planned and run
-- like users' views.
HEADER
    run -At -c "SELECT format(E'\nCREATE VIEW %I.%I AS\n%s', n.nspname, c.relname, pg_get_viewdef(c.oid))
                $relations AND c.relkind = 'v' ORDER BY c.oid"
} >../../../sql/system_views.sql
run -c "COPY (SELECT i.indexrelid, x.relname, i.indrelid, i.indisunique, i.indisprimary, o.oid AS conoid, i.indkey, i.indclass
                FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_constraint o ON o.conindid = i.indexrelid
               WHERE i.indexrelid < 16384 AND n.nspname = 'pg_catalog' AND c.relkind = 'r' ORDER BY i.indexrelid)
        TO STDOUT WITH (FORMAT text, HEADER)" >system_indexes.tsv
