#!/usr/bin/env bash
# Writes what PostgreSQL 15 answers after the tab of every line of the case files:
#   PGHOST=127.0.0.1 PGPORT=5432 PGUSER=postgres src/functions/resolve/cases/rewrite.sh <scratch database>
#
# A case is an expression in which $type stands for a value of that type and ? for an untyped literal.
set -euo pipefail
cd "$(dirname "$0")"
query() { psql -X -q -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }
query "$1" -f oracle.sql
for file in *.txt; do
    { echo "SET search_path = resolve_cases, pg_catalog; CREATE TEMP TABLE cases (n serial, line text); COPY cases (line) FROM STDIN WITH (DELIMITER E'\x01');"
      cut -f1 "$file" | sed 's/\\/\\\\/g'
      printf '\\.\n'
      echo "SELECT line || CASE WHEN line = '' OR line LIKE '-- %' THEN '' ELSE E'\t' ||
            meaning(replace(regexp_replace(line, '\\\$(\w+)', 'CAST(NULL AS \"\1\")', 'g'), '?', 'NULL')) END FROM cases ORDER BY n;"
    } | query "$1" -At >"$file.new"
    mv "$file.new" "$file"
done
