#!/usr/bin/env bash
# Writes the tables beside this script from a running PostgreSQL 15 (fresh cluster, UTF8, locale C):
#   PGHOST=127.0.0.1 PGPORT=5432 PGUSER=postgres src/functions/facts/export.sh [database]
#
# Format: COPY's text format with a header line; regproc columns as oids, owners (always 10) left out,
# node trees as the SQL text that pg_get_expr and pg_get_function_sqlbody give. Rows are those of initdb (oid < 16384).
set -euo pipefail
cd "$(dirname "$0")"
database=${1:-template1}

# export_table <file> <query>
export_table() {
    psql -X -q -v ON_ERROR_STOP=1 -d "$database" -c "SET search_path = pg_catalog" \
        -c "COPY ($2) TO STDOUT WITH (FORMAT text, HEADER)" >"$1.tsv"
}

export_table pg_proc "
    SELECT oid, proname, pronamespace, prolang, procost, prorows, provariadic, prosupport::oid AS prosupport, prokind,
           prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel, pronargdefaults, prorettype,
           proargtypes, proallargtypes, proargmodes, proargnames, pg_get_expr(proargdefaults, 0) AS proargdefaults,
           prosrc, probin, pg_get_function_sqlbody(oid) AS prosqlbody, proconfig, proacl
      FROM pg_proc WHERE oid < 16384 ORDER BY oid"
export_table pg_operator "
    SELECT oid, oprname, oprnamespace, oprkind, oprcanmerge, oprcanhash, oprleft, oprright, oprresult, oprcom, oprnegate,
           oprcode::oid AS oprcode, oprrest::oid AS oprrest, oprjoin::oid AS oprjoin
      FROM pg_operator WHERE oid < 16384 ORDER BY oid"
export_table pg_cast "
    SELECT oid, castsource, casttarget, castfunc, castcontext, castmethod FROM pg_cast WHERE oid < 16384 ORDER BY oid"
# What pg_get_catalog_foreign_keys() gives.
export_table pg_foreign_keys "
    SELECT fktable::oid AS fktable, fkcols, pktable::oid AS pktable, pkcols, is_array, is_opt FROM pg_get_catalog_foreign_keys()"
export_table pg_aggregate "
    SELECT aggfnoid::oid AS aggfnoid, aggkind, aggnumdirectargs, aggtransfn::oid AS aggtransfn,
           aggfinalfn::oid AS aggfinalfn, aggcombinefn::oid AS aggcombinefn, aggserialfn::oid AS aggserialfn,
           aggdeserialfn::oid AS aggdeserialfn, aggmtransfn::oid AS aggmtransfn, aggminvtransfn::oid AS aggminvtransfn,
           aggmfinalfn::oid AS aggmfinalfn, aggfinalextra, aggmfinalextra, aggfinalmodify, aggmfinalmodify, aggsortop,
           aggtranstype, aggtransspace, aggmtranstype, aggmtransspace, agginitval, aggminitval
      FROM pg_aggregate a WHERE a.aggfnoid::oid < 16384 ORDER BY 1"
export_table pg_am "SELECT oid, amname, amhandler::oid AS amhandler, amtype FROM pg_am WHERE oid < 16384 ORDER BY oid"
export_table pg_opfamily "
    SELECT oid, opfmethod, opfname, opfnamespace FROM pg_opfamily WHERE oid < 16384 ORDER BY oid"
export_table pg_opclass "
    SELECT oid, opcmethod, opcname, opcnamespace, opcfamily, opcintype, opcdefault, opckeytype
      FROM pg_opclass WHERE oid < 16384 ORDER BY oid"
export_table pg_amop "
    SELECT oid, amopfamily, amoplefttype, amoprighttype, amopstrategy, amoppurpose, amopopr, amopmethod, amopsortfamily
      FROM pg_amop WHERE oid < 16384 ORDER BY oid"
export_table pg_amproc "
    SELECT oid, amprocfamily, amproclefttype, amprocrighttype, amprocnum, amproc::oid AS amproc
      FROM pg_amproc WHERE oid < 16384 ORDER BY oid"
export_table pg_language "
    SELECT oid, lanname, lanispl, lanpltrusted, lanplcallfoid, laninline, lanvalidator
      FROM pg_language WHERE oid < 16384 ORDER BY oid"
export_table pg_namespace "SELECT oid, nspname, nspacl FROM pg_namespace WHERE oid < 16384 ORDER BY oid"
# Without the collations of other encodings; versions are those of the tables DictDB orders by, not of PostgreSQL's library.
export_table pg_collation "
    SELECT oid, collname, collnamespace, collprovider, collisdeterministic, collencoding, collcollate, collctype,
           colliculocale, NULL::text AS collversion
      FROM pg_collation WHERE oid < 16384 AND collencoding IN (-1, 6) ORDER BY oid"
export_table pg_conversion "
    SELECT oid, conname, connamespace, conforencoding, contoencoding, conproc::oid AS conproc, condefault
      FROM pg_conversion WHERE oid < 16384 ORDER BY oid"
export_table pg_description "
    SELECT objoid, classoid, description FROM pg_description
     WHERE objoid < 16384 AND objsubid = 0 AND objoid <> 2200 -- a database is born with the schema public, and its comment
     ORDER BY classoid, objoid"
export_table pg_ts_parser "
    SELECT oid, prsname, prsnamespace, prsstart::oid AS prsstart, prstoken::oid AS prstoken, prsend::oid AS prsend,
           prsheadline::oid AS prsheadline, prslextype::oid AS prslextype
      FROM pg_ts_parser WHERE oid < 16384 ORDER BY oid"
export_table pg_ts_template "
    SELECT oid, tmplname, tmplnamespace, tmplinit::oid AS tmplinit, tmpllexize::oid AS tmpllexize
      FROM pg_ts_template WHERE oid < 16384 ORDER BY oid"
export_table pg_ts_dict "
    SELECT oid, dictname, dictnamespace, dicttemplate, dictinitoption FROM pg_ts_dict WHERE oid < 16384 ORDER BY oid"
export_table pg_ts_config "
    SELECT oid, cfgname, cfgnamespace, cfgparser FROM pg_ts_config WHERE oid < 16384 ORDER BY oid"
export_table pg_ts_config_map "
    SELECT mapcfg, maptokentype, mapseqno, mapdict FROM pg_ts_config_map WHERE mapcfg < 16384 ORDER BY 1, 2, 3"
export_table pg_init_privs "
    SELECT objoid, classoid, objsubid, privtype, initprivs FROM pg_init_privs WHERE objoid < 16384 ORDER BY 2, 1, 3"
export_table pg_range "
    SELECT rngtypid, rngsubtype, rngmultitypid, rngcollation, rngsubopc, rngcanonical::oid AS rngcanonical,
           rngsubdiff::oid AS rngsubdiff FROM pg_range WHERE rngtypid < 16384 ORDER BY 1"

# Stop words of the Snowball dictionaries, as PostgreSQL installs them.
mkdir -p stopwords
cp "$(pg_config --sharedir)"/tsearch_data/*.stop stopwords/

# What the dictionary "unaccent" makes of characters, in a database that is thrown away.
createdb unaccent_export
psql -XqAt -d unaccent_export -c 'CREATE EXTENSION unaccent'
{
  echo '# Characters and what the dictionary "unaccent" makes of them: code point, text. Written by facts/export.sh.'
  psql -XqAt -F "$(printf '\t')" -d unaccent_export -c "
    SELECT upper(to_hex(c)), unaccent(chr(c)) FROM generate_series(1, 1114111) c
     WHERE c NOT BETWEEN 55296 AND 57343 AND unaccent(chr(c)) <> chr(c) ORDER BY c"
} > unaccent.tsv
dropdb unaccent_export
# The feature tables of information_schema: what of the SQL standard is there.
for features in sql_features sql_implementation_info sql_parts sql_sizing; do
    export_table $features "SELECT * FROM information_schema.$features ORDER BY ctid"
done
