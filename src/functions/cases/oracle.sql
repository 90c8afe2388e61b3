-- What PostgreSQL answers to an expression, in one line: its text, NULL, or the report of an error.
set client_min_messages = warning;
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
