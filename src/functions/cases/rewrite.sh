#!/usr/bin/env bash
# usage: rewrite.sh [file…]   Rewrites the answers in the case files with those of PostgreSQL 15.
# Connection: the environment of psql (PGHOST, PGPORT, PGUSER, PGDATABASE). The database must have locale C.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- *.txt
for file in "$@"; do
    case $file in
        sets.txt | aggregates.txt) function=${file%.txt} ;;
        *) function=answer ;;
    esac
    {
        cat oracle.sql
        awk -v name="$function" -F' => ' '/^#/ || /^$/ { gsub(/\x27/, "\x27\x27"); printf "select E\x27%s\x27;\n", $0; next }
            { sub(/ => .*/, ""); e = $0; gsub(/\x27/, "\x27\x27", e); printf "select pg_temp.%s(\x27%s\x27);\n", name, e }' "$file"
    } | psql -XqAt -v ON_ERROR_STOP=1 >"$file.new"
    mv "$file.new" "$file"
done
