-- What PostgreSQL answers to an expression, in one line: its text, NULL, or the report of an error.
set client_min_messages = warning;
create function pg_temp.sets(expression text) returns text language plpgsql as $$
declare
    result text;
    code text;
    message text;
    hint text;
begin
    execute 'select coalesce(string_agg(coalesce(replace(x::text, E''\n'', ''\n''), ''NULL''), ''; ''), '''') from (select '
        || expression || ' as x) s' into result;
    return expression || ' => ' || result;
exception when others then
    get stacked diagnostics code = returned_sqlstate, message = message_text, hint = pg_exception_hint;
    return expression || ' => ERROR ' || code || ' ' || message || case when hint = '' then '' else ' HINT ' || hint end;
end
$$;

-- The line is explained in evaluate.rs: name | type {values} | type {values}
create function pg_temp.aggregates(line text) returns text language plpgsql as $$
declare
    parts text[] := string_to_array(line, ' | ');
    call text := parts[1];
    columns text := '';
    sources text := '';
    type_name text;
    vals text;
    query text;
    result text;
    code text;
    message text;
begin
    for n in 2 .. cardinality(parts) loop
        type_name := split_part(parts[n], ' ', 1);
        vals := substr(parts[n], length(type_name) + 2);
        columns := columns || case when n > 2 then ', ' else '' end || 'c' || n || '::' || type_name;
        sources := sources || case when n > 2 then ', ' else '' end
            || quote_literal(vals) || '::' || case when type_name like '%[]' then 'text' else type_name end || '[]';
    end loop;
    query := case
        when cardinality(parts) = 1 then 'select ' || call || '(*)::text from generate_series(1, 3)'
        when call like '%(%' then 'select (' || call || ' within group (order by ' || columns || '))::text from unnest('
        else 'select ' || call || '(' || columns || ')::text from unnest('
    end;
    if cardinality(parts) > 1 then
        query := query || sources || ') as t('
            || (select string_agg('c' || n, ', ') from generate_series(2, cardinality(parts)) n) || ')';
    end if;
    execute query into result;
    return line || ' => ' || coalesce(replace(result, E'\n', '\n'), 'NULL');
exception when others then
    get stacked diagnostics code = returned_sqlstate, message = message_text;
    return line || ' => ERROR ' || code || ' ' || message;
end
$$;

create function pg_temp.answer(expression text) returns text language plpgsql as $$
declare
    result text;
    code text;
    message text;
    hint text;
begin
    execute 'select (' || expression || ')::text' into result;
    return expression || ' => ' || coalesce(replace(result, E'\n', '\n'), 'NULL');
exception when others then
    get stacked diagnostics code = returned_sqlstate, message = message_text, hint = pg_exception_hint;
    return expression || ' => ERROR ' || code || ' ' || message || case when hint = '' then '' else ' HINT ' || hint end;
end
$$;
