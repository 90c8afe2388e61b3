-- Every system relation can be read, has PostgreSQL's columns, and the views are defined as PostgreSQL defines them.
\pset format unaligned
\pset tuples_only on
SELECT format('SELECT %L, count(*) >= 0 FROM %s', c.oid::regclass, c.oid::regclass)
  FROM pg_class c WHERE c.oid < 16384 AND (relkind = 'v' OR relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace) ORDER BY c.oid::regclass::text
\gexec
SELECT c.oid, c.oid::regclass, c.relkind, c.reltype::regtype, string_agg(format('%s %s%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' not null' END), ', ' ORDER BY attnum)
  FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
 WHERE c.oid < 16384 AND (relkind = 'v' OR relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace) AND attnum > 0 GROUP BY c.oid ORDER BY c.oid::regclass::text;
-- A literal that UNION gave its type has no name of its own until the text is read again.
\set shown 'replace(pg_get_viewdef(c.oid), ''''''PUBLIC''''::name AS name)'', ''''''PUBLIC''''::name)'')'
SELECT c.oid::regclass, :shown FROM pg_class c WHERE c.oid < 16384 AND relkind = 'v' ORDER BY c.oid::regclass::text;
\set shown 'replace(pg_get_viewdef(c.oid, true), ''''''PUBLIC''''::name AS name)'', ''''''PUBLIC''''::name)'')'
SELECT c.oid::regclass, :shown FROM pg_class c WHERE c.oid < 16384 AND relkind = 'v' AND relnamespace = 'information_schema'::regnamespace ORDER BY c.oid::regclass::text;
