-- Rewrites the expectations of a file of cases with the answers of a PostgreSQL 15:
--   for f in *.txt; do CASES=$f psql -qX -f rewrite.sql; done
-- A case is a line `expression => answer`.
create temp table cases (n int generated always as identity, line text);
\copy cases (line) from program 'cat "$CASES"' with (delimiter E'\x01')
create function pg_temp.answer(line text) returns text language plpgsql as $$
declare
  expression text := regexp_replace(line, ' => .*$', '');
  answer text;
begin
  if line ~ '^(#|$)' then
    return line;
  end if;
  begin
    -- Literals are numeric, so that the right function of several is called.
    execute 'select (' || regexp_replace(expression, '(''[^'']*'')', 'numeric \1', 'g') || ')::text' into answer;
    return expression || ' => ' || coalesce(answer, 'NULL');
  exception when others then
    get stacked diagnostics answer = message_text;
    return expression || ' => ERROR ' || sqlstate || ' ' || answer;
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
\copy (select line from cases order by n) to program 'cat > "$CASES"' with (delimiter E'\x01')
