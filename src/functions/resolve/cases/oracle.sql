-- Asks PostgreSQL 15 what an expression means: the answer is read out of the rule of a view over it.
-- Used by rewrite.sh; the user-defined objects are those of `super::tests::TestScope`.
DROP SCHEMA IF EXISTS resolve_cases CASCADE;
CREATE SCHEMA resolve_cases;
SET search_path = resolve_cases, pg_catalog;

CREATE DOMAIN posint AS int4;
CREATE DOMAIN label AS text;
CREATE DOMAIN ints AS int4[];
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int4, b text);

CREATE FUNCTION defaulted(a int4, b text DEFAULT 'x', c int8 DEFAULT 1) RETURNS text LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION gather(VARIADIC items numeric[]) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0';
CREATE FUNCTION gather(one numeric) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION either(a int4 DEFAULT 1) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION either(a int4 DEFAULT 1, b int4 DEFAULT 2) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION poly_default(a anyelement, b anyarray DEFAULT NULL) RETURNS anyarray LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION longest(a anycompatible, VARIADIC b anycompatiblearray) RETURNS anycompatible LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION ranged(a anycompatiblerange, b anycompatible) RETURNS anycompatible LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION spread(a anyrange) RETURNS anymultirange LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION single(a anymultirange) RETURNS anyrange LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION plain(a anynonarray) RETURNS anyarray LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION abs(a text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION lower(a text) RETURNS int4 LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE proc(a int4, OUT b text) LANGUAGE sql AS 'SELECT ''x''';

-- The function or operator, and the type of its result; or how it fails.
CREATE FUNCTION meaning(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    tree text;
    found text[];
    state text; message text; detail text; hint text;
BEGIN
    EXECUTE 'CREATE VIEW subject AS SELECT ' || expression || ' AS c';
    SELECT ev_action::text INTO tree FROM pg_rewrite WHERE ev_class = 'subject'::regclass;
    -- The view's column of unknown type would be text; take out that coercion and look at the expression itself.
    found := regexp_match(tree, ':targetList \(\{TARGETENTRY :expr \{([A-Z]+)( :[a-z]+ ([0-9]+))?(.*)');
    DROP VIEW subject;
    RETURN CASE found[1]
        WHEN 'OPEXPR' THEN found[3]::regoperator::text || ' ' || format_type(substring(found[4] from ':opresulttype ([0-9]+)')::oid, NULL)
        WHEN 'SCALARARRAYOPEXPR' THEN found[3]::regoperator::text || ' boolean'
        WHEN 'FUNCEXPR' THEN CASE WHEN found[4] ~ '^[^{]*:funcformat [12] ' THEN 'cast ' ELSE '' END
            || found[3]::regprocedure::text || ' ' || format_type(substring(found[4] from ':funcresulttype ([0-9]+)')::oid, NULL)
        WHEN 'AGGREF' THEN found[3]::regprocedure::text || ' ' || format_type(substring(found[4] from ':aggtype ([0-9]+)')::oid, NULL)
        WHEN 'WINDOWFUNC' THEN found[3]::regprocedure::text || ' ' || format_type(substring(found[4] from ':wintype ([0-9]+)')::oid, NULL)
        WHEN 'CONST' THEN 'cast ' || format_type(found[3]::oid, NULL)
        ELSE 'cast ' || coalesce(found[1], tree) ||
            ' ' || format_type(substring(found[4] from ':resulttype ([0-9]+)')::oid, NULL)
    END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN state || ' ' || message || CASE WHEN detail <> '' THEN ' / ' || detail ELSE '' END
        || CASE WHEN hint <> '' THEN ' / ' || hint ELSE '' END;
END $$;
