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

-- The type whose oid stands after the first field of this name; for nodes that print it after their argument, the last.
CREATE FUNCTION type_after(tree text, field text, last boolean DEFAULT false) RETURNS text LANGUAGE sql
    AS $$ SELECT format_type(substring(tree from CASE WHEN last THEN '.*' ELSE '' END || ':' || field || ' ([0-9]+)')::oid, NULL) $$;

-- The hints that most failures have, in short.
CREATE FUNCTION short(hint text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE hint
        WHEN 'No function matches the given name and argument types. You might need to add explicit type casts.' THEN '(no function)'
        WHEN 'No operator matches the given name and argument types. You might need to add explicit type casts.' THEN '(no operator)'
        WHEN 'Could not choose a best candidate function. You might need to add explicit type casts.' THEN '(no best function)'
        WHEN 'Could not choose a best candidate operator. You might need to add explicit type casts.' THEN '(no best operator)'
        ELSE hint END $$;

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
    RETURN CASE
        WHEN found[1] = 'OPEXPR' THEN found[3]::regoperator || ' ' || type_after(found[4], 'opresulttype')
        WHEN found[1] = 'SCALARARRAYOPEXPR' THEN found[3]::regoperator || ' boolean'
        WHEN found[1] = 'FUNCEXPR' AND found[4] ~ '^[^{]*:funcformat [12] '
            THEN 'cast by ' || found[3]::regprocedure || ' ' || type_after(found[4], 'funcresulttype')
        WHEN found[1] = 'FUNCEXPR' THEN found[3]::regprocedure || ' ' || type_after(found[4], 'funcresulttype')
        WHEN found[1] = 'AGGREF' THEN found[3]::regprocedure || ' ' || type_after(found[4], 'aggtype')
        WHEN found[1] = 'WINDOWFUNC' THEN found[3]::regprocedure || ' ' || type_after(found[4], 'wintype')
        WHEN found[1] = 'COALESCEEXPR' THEN format_type(found[3]::oid, NULL)
        WHEN found[1] = 'CONST' THEN 'cast by nothing ' || format_type(found[3]::oid, NULL)
        WHEN found[1] = 'RELABELTYPE' THEN 'cast by relabel ' || type_after(tree, 'resulttype', true)
        WHEN found[1] = 'COERCEVIAIO' THEN 'cast by text ' || type_after(tree, 'resulttype', true)
        WHEN found[1] = 'ARRAYCOERCEEXPR' THEN 'cast by element ' || type_after(tree, 'resulttype', true)
        WHEN found[1] = 'COERCETODOMAIN' THEN 'cast by domain ' || type_after(tree, 'resulttype', true)
        ELSE tree
    END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN state || ' ' || message || CASE WHEN detail <> '' THEN ' / ' || detail ELSE '' END
        || CASE WHEN hint <> '' THEN ' / ' || short(hint) ELSE '' END;
END $$;
