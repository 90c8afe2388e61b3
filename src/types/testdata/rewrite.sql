-- Rewrites the answers in a file of cases with those of a PostgreSQL 15, in a database of its own:
--   for f in *.txt; do CASES=$f psql -qX -f rewrite.sql; done
-- A case is `type 'literal' => answer`: the value's text and its binary form in hexadecimal after a tilde, or the error.
-- Lines `set …` change the settings of those after them; the types here are those of ../test_env.rs.
\set ON_ERROR_STOP on
begin;
create type colour as enum ('red', 'green', 'dark blue');
create type comp as (a int, b text, c numeric(5,2));
create type empt as ();
create domain positive as int check (value > 0);
create type textr as range (subtype = text);
create temp table cases (n int generated always as identity, line text);
\copy cases (line) from program 'cat "$CASES"' with (format csv, delimiter E'\x01', quote E'\x02', null E'\x03')
create function pg_temp.answer(line text) returns text language plpgsql as $$
declare
  literal text := regexp_replace(line, ' => .*$', '');
  ty text := regexp_replace(literal, ' ''.*$', '');
  value text := regexp_replace(literal, '^[^'']* ''', '''');
  message text;
  answer text;
  send regproc;
  detail text;
  hint text;
  context text;
begin
  if line ~ '^(#|$)' then
    return line;
  elsif line ~ '^set ' then
    execute line;
    return line;
  end if;
  begin
    execute 'create temp table t (x ' || ty || ')';
    select typsend from pg_type join pg_attribute on atttypid = pg_type.oid where attrelid = 't'::regclass and attname = 'x' into send;
    execute 'insert into t values (' || value || ') returning format(''%s'', x)' into answer;
    -- Ids of types made here differ from one run to the next.
    if send <> 0 and ty !~ '^(comp|colour)\[' then
      execute 'select $1 || '' ~ '' || encode(' || send || '(x), ''hex'') from t' into answer using answer;
    end if;
    drop table t;
    return literal || ' => ' || answer;
  exception when others then
    get stacked diagnostics message = message_text, detail = pg_exception_detail, hint = pg_exception_hint,
      context = pg_exception_context;
    context := substring(context from '^JSON data, line [^\n]*');
    return literal || ' => ERROR ' || sqlstate || ' ' || message || case when detail = '' then '' else ' DETAIL ' || detail end
      || coalesce(' CONTEXT ' || context, '') || case when hint = '' then '' else ' HINT ' || hint end;
  end;
end $$;
do $$
declare
  one record;
begin
  for one in select * from cases order by n loop
    update cases set line = pg_temp.answer(one.line) where n = one.n;
  end loop;
end $$;
\copy (select line from cases order by n) to program 'cat > "$CASES"' with (format csv, delimiter E'\x01', quote E'\x02', null E'\x03')
rollback;
