select 1
select
select from t
select * from t
select t.* from t
select (t).* from t
select (t).a, (t.b).c, ((t).a).b from t
select a.b.c.d from t
select a as b, c d, e "F", g as select from t
select 1 at, 2 operator, 3 like, 4 in, 5 is, 6 and, 7 or, 8 between, 9 collate, 10 ilike, 11 similar, 12 not from t
select 1 like from t
select all 1
select distinct a, b from t
select distinct on (a, b) a, b, c from t order by a, b, c desc
select a from t where a = 1 and b <> 2 or not c > 3
select a from only t
select a from only (t)
select a from t *
select a from t * as x
select a from public.t x, lateral (select 1) y
select a from t as x (p, q)
select a from t x(p, q)
select * from a join b on a.x = b.x
select * from a inner join b using (x, y)
select * from a join b using (x) as j
select * from a left join b on true right outer join c on true full join d using (x) cross join e natural join f natural left join g
select * from a join b join c on b.x = c.x on a.x = b.x
select * from (a join b on true) as j
select * from (a join b on true) join (c cross join d) on true
select * from ((a join b on true) join c on true)
select * from ((a join b on true))
select * from (select 1) x
select * from ((select 1)) x
select * from ((select 1) union select 2) x
select * from (((select 1) union select 2) order by 1 limit 1) x
select * from ((select 1) a join (select 2) b on true)
select * from (values (1, 'a'), (2, 'b')) v (x, y)
select * from (table t) x
select * from generate_series(1, 10)
select * from generate_series(1, 10) g
select * from generate_series(1, 10) as g(x)
select * from generate_series(1, 10) with ordinality as g(x, n)
select * from lateral f(1) x
select * from a, lateral f(a.x) with ordinality
select * from f(1) as (a int, b text)
select * from f(1) as t(a int, b text)
select * from f(1) t(a int, b text[])
select * from unnest(array[1,2], array['a','b']) as u(a, b)
select * from rows from (f(1), g(2)) with ordinality as x(a, b, n)
select * from rows from (f(1) as (a int, b text), g(2)) x
select * from current_date
select * from current_date d
select * from coalesce(1, 2) c
select * from pg_catalog.generate_series(1,2)
select * from t tablesample bernoulli (10)
select * from t x tablesample system (10.5) repeatable (1)
select * from json_to_recordset('[]') as x(a int, b text)
select 1 where true
select count(*) from t group by a, b having count(*) > 1
select a, grouping(a) from t group by rollup (a, b), cube (c, (d, e)), grouping sets ((a), (), rollup (a), cube (b, c), grouping sets ((a)))
select a from t group by ()
select a from t group by distinct rollup (a, b), rollup (a, c)
select a from t group by all a
select a from t group by (a, b), (c)
select rank() over w, sum(x) over (partition by a order by b) from t window w as (partition by a order by b desc nulls last)
select sum(x) over (w rows between unbounded preceding and current row) from t window w as (order by a), v as (w rows 1 preceding)
select sum(x) over (order by a range between interval '1 day' preceding and interval '1 day' following exclude current row) from t
select sum(x) over (order by a groups between 1 preceding and 2 following exclude group) from t
select sum(x) over (order by a rows between unbounded preceding and unbounded following exclude ties) from t
select sum(x) over (order by a rows unbounded preceding exclude no others) from t
select sum(x) over () from t
select count(*) filter (where a > 1) over w from t window w as ()
select percentile_cont(0.5) within group (order by x desc) from t
select string_agg(a, ',' order by b desc, c using <) from t
select string_agg(distinct a, ',' order by a) from t
select array_agg(all x) from t
select f(), f(1), f(1, 2), f(a => 1), f(1, b := 2), f(variadic array[1,2]), f(1, variadic x), f(1, variadic b => array[1])
select s.f(1), "F"(1), d.s.f(1)
select a from t order by a asc, b desc nulls first, c using >, d using operator(pg_catalog.<) nulls last
select a from t limit 10
select a from t limit 10 offset 5
select a from t offset 5 limit 10
select a from t limit all
select a from t limit (select 1) offset $1
select a from t limit $1::int
select a from t offset 5 rows
select a from t offset 5 rows fetch next 10 rows only
select a from t fetch first row only
select a from t fetch first 5 rows only
select a from t fetch first (1 + 2) rows only
select a from t order by a fetch first 5 rows with ties
select a from t fetch first +5 rows only
select a from t for update
select a from t for update of t, u nowait for share of v skip locked
select a from t for no key update
select a from t for key share
select a from t for update limit 1
select a from t limit 1 for update
select a from t order by a for share offset 1
select a from t for read only
select 1 union select 2
select 1 union all select 2 intersect select 3 except distinct select 4
(select 1) union (select 2) order by 1 limit 1
(select 1 union select 2) except all select 3
((select 1))
(select 1 order by 1) limit 1
select 1 union (values (1), (2) order by 1)
values (1, 2), (3, default)
values (1) order by 1 limit 1
table t
table only t
table s.t order by 1
table t union table u
with x as (select 1) select * from x
with x as (select 1), y (a, b) as (select * from x) select * from y
with recursive x (n) as (values (1) union all select n + 1 from x where n < 10) select * from x
with x as materialized (select 1), y as not materialized (select 2) select 1
with x as (insert into t values (1) returning *) select * from x
with x as (delete from t returning a), y as (update t set a = 1 returning a) select 1
with x as (select 1) insert into t select * from x
with x as (select 1) update t set a = 1 from x
with x as (select 1) delete from t using x where true
with x as (with y as (select 1) select * from y) select * from x
with x as (select 1) (select 2)
with a as (select 1) table a
with a as (values (1)) values (2)
select (with x as (select 1) select * from x)
select 1 into t
select 1 into temp t
select a into temporary table s.t from u
select a into unlogged table t from u
select a into local temp t from u
select * into table t from u
select exists (select 1), not exists (select 1), (select 1), array(select 1), array(values (1))
select a in (1, 2, 3), a not in (select 1), (a, b) in ((1, 2), (3, 4)), a in ((select 1)), a in ((select 1), 2), a in (values (1), (2))
select a = any (array[1,2]), a <> all (select 1), a < some (values (1)), a ~~ any (x), a operator(pg_catalog.=) any (x)
select a like any (array['a']), a not like all (x), a ilike any (x), a not ilike all (x)
select a = any ((select array[1])::int[])
select a = any ((select 1))
select a between 1 and 2, a not between symmetric 1 and 2, a between asymmetric 1 and 2 and true
select a between b + 1 and c - 1 and d
select a like 'x%', a not like 'x%' escape '!', a ilike 'x', a not ilike 'x', a similar to 'x' escape '#', a not similar to 'x'
select a is null, a is not null, a isnull, a notnull
select a is true, a is not true, a is false, a is not false, a is unknown, a is not unknown
select a is distinct from b, a is not distinct from b
select a is null is null, a is true = b
select a is normalized, a is not normalized, a is nfkc normalized, a is not nfd normalized
select 1 + 2 * 3 - 4 / 5 % 6 ^ 7
select - 1, + 1, - - 1, -a, +a, - a ^ 2, -(-1), 2 - -1
select 1 + 2 < 3 and 4 >= 5, a <= b, a <> b, a != b
select a || b || c, a @> b, a <@ b, a && b, a -> 'x' ->> 'y' #> 'z' #>> 'w', a ? 'b', a ?| b, a ?& c, a @? b, a @@ c, a #- d, a - 'b'
select a ~ 'x', a ~* 'x', a !~ 'x', a !~* 'x', a ~~ 'x', a ~~* 'x', a !~~ b, a !~~* c, a ^@ b
select a << 1, a >> 1, a & 1, a | 1, a # 1, ~a, @ a, |/ a, ||/ a, !! a
select @ a + b, ~ a || b, !! a + 1
select a operator(pg_catalog.+) b, operator(pg_catalog.-) a, a operator(+) b
select a <-> b, a <#> b, a <=> b, a %> b, a <<| b, a |>> b, a -|- b, a &< b, a &> b, a ~= b
select not a = b, not a and b, not not a, not a is null, not a in (1), not a like 'b'
select a and not b or c
select a * not b
select 1::int, '1'::int::text, cast(1 as bigint), a::numeric(10,2), a::varchar(10)[], a::text[][], a::int[3], a::int array, a::int array[4]
select int '1', bigint '1', smallint '2', float '1', float(3) '1', real '1', double precision '1', decimal '1', decimal(5,2) '1', numeric '1', numeric(5) '1', dec '1'
select bool 'true', boolean 'true', bit '101', bit(3) '101', bit varying '1', bit varying (5) '1', char 'a', char(3) 'a', character 'a', character varying 'a', character varying(3) 'a', varchar 'a', varchar(3) 'a', nchar 'a', nchar(3) 'a', nchar varying (3) 'a', national character 'a', national char varying(3) 'a'
select timestamp 'now', timestamp(3) 'now', timestamp with time zone 'now', timestamp(3) with time zone 'now', timestamp without time zone 'now', time '1:00', time(3) '1:00', time with time zone '1:00', date '2020-01-01', timestamptz 'now', timetz '1:00'
select interval '1', interval '1 day', interval(3) '1', interval '1' year, interval '1' month, interval '1' day, interval '1' hour, interval '1' minute, interval '1' second, interval '1' second(3), interval '1' year to month, interval '1' day to hour, interval '1' day to minute, interval '1' day to second(2), interval '1' hour to minute, interval '1' hour to second, interval '1' minute to second
select '1'::interval day to second(3), '1'::interval(3), '1'::interval year
select json '{}', jsonb '{}', point '(1,1)', pg_catalog.int4 '1', geometry(point, 4326) 'x', s.t(1) 'x', "T" 'x'
select 1::pg_catalog.int4, 1::"char", 1::s."T"(1, a, 'b')
select a::double precision, a::char, a::bpchar, a::character, a::timestamp with time zone, a::time without time zone, a::bit, a::bit(3), a::bit varying, a::nchar varying(3)
select a at time zone 'utc', a at time zone interval '1 hour', a at time zone 'utc' at time zone 'x'
select a collate "C", a collate pg_catalog.default, a || b collate "x"
select extract(year from a), extract(epoch from a), extract('day' from a), extract(century from a), extract("week" from a)
select position('a' in 'b'), position(a || b in c), substring('abc' from 1 for 2), substring('abc' for 2), substring('abc' from 'x'), substring('abc' for 2 from 3), substring('abc', 1, 2), substring('abc' similar 'a' escape 'b'), substring()
select trim('a'), trim(both from 'a'), trim(leading 'x' from 'y'), trim(trailing 'x' from 'y'), trim('x' from 'y'), trim(both 'a', 'b'), trim(from 'a'), trim('x', 'y')
select overlay('a' placing 'b' from 1 for 2), overlay('a' placing 'b' from 1), overlay('a', 'b', 1), overlay()
select normalize('a'), normalize('a', nfc), collation for (a), treat(a as int), nullif(1, 2), coalesce(a, b), greatest(1, 2), least(1), grouping(a)
select current_date, current_time, current_time(3), current_timestamp, current_timestamp(0), localtime, localtime(3), localtimestamp, localtimestamp(3), current_role, current_user, session_user, user, current_catalog, current_schema, current_schema()
select row(1, 2), row(), row(1), (1, 2), (1), row(t.*), row(t.*, 1)
select (1, 2) = (3, 4), row(1) < row(2), (a, b) is null, (a, b) is distinct from (c, d)
select (a, b) overlaps (c, d), row(a, b) overlaps row(c, d), (a, b) overlaps row(c, d)
select array[1,2], array[[1,2],[3,4]], array[]::int[], array[array[1], array[2]], array[]
select a[1], a[1][2], a[1:2], a[:2], a[1:], a[:], a[1:2][3], (array[1,2])[1], (a).b[1].c, a.b[1].c, f(x)
select (f(x)).a, (f(x)).*, (f(x))[1], ($1).a, $1[1], (select 1).a, (select array[1])[1]
select case when a then b end, case when a then b else c end, case a when 1 then 'x' when 2 then 'y' else 'z' end, case (select 1) when 1 then 2 end
select 'a''b', E'a\nb\tc\\\'', E'\x41\101\u0041\U00000041', U&'\0061\+000062', U&'!0061' uescape '!', $$a'b$$, $x$a$$b$x$, B'101', X'1F', N'abc', b'', x''
select U&"d\0061t\+000061", U&"d!0061" uescape '!' from t
select 1, 1.5, .5, 5., 1e10, 1.5e-3, 1E+5, 12345678901, 123456789012345678901234567890
select $1, $2::int, $1 + $2
select count(t.*), count(*), f(t.*)
select "select", "A b", "a""b" from "T x"
select abort, absolute, year, zone, name, type, value, values, text, date from t
select between, bit, boolean, char, coalesce, exists, extract, float, int, interval, none, null as null, position, row, setof, time, trim from t
select left('a', 1), right('a', 1), "left", authorization('a'), concurrently(1), verbose(1), freeze()
select t.select, t.from, t.where from t
select (select 1) + 1, ((select 1)) + 1, (((select 1)) + 1), ((select 1) + (select 2)) * 3, ((select 1), 2)
select ((select 1) union select 2)
select (((select 1) union (select 2)) limit 1)
select a <> -1, a = -1, a=-1, a<-1, a*-1, a+-1
select 1 from t where (a, b) = (select 1, 2)
select 1 from t where a = (select max(a) from t)
select * from t where xmin = 1 and ctid = '(0,1)'
select a.*, b.c from a, b where a.id = b.id (+ 1)
select pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a where a.attrelid = '16384' and a.attnum > 0 and not a.attisdropped order by a.attnum
select c.oid, n.nspname, c.relname from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relname operator(pg_catalog.~) '^(t)$' collate pg_catalog.default and pg_catalog.pg_table_is_visible(c.oid) order by 2, 3
select * from t where a = any($1::int[]) and b = $2
select * from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')
select cast(null as text), null::int, true, false, 'x' as "?column?"
insert into t values (1)
insert into t values (1, 'a', default), (2, 'b', null)
insert into t (a, b) values (1, 2) returning *
insert into t (a, b) values (1, 2) returning a, b as c, t.d + 1
insert into t as x (a) select 1 returning x.a
insert into t default values
insert into t default values returning id
insert into t select * from u
insert into t (select * from u)
insert into t ((select 1) union select 2)
insert into t with x as (select 1) select * from x
insert into t table u
insert into t (a) (values (1))
insert into t overriding system value values (1)
insert into t (a) overriding user value select 1
insert into t (a.b, c[1], d[1:2]) values (1, 2, 3)
insert into t values (1) on conflict do nothing
insert into t values (1) on conflict (a) do nothing returning *
insert into t values (1) on conflict (a, b) do update set a = excluded.a, b = excluded.b + t.b where t.a > 1 returning *
insert into t values (1) on conflict (lower(a)) do nothing
insert into t values (1) on conflict (lower(a) collate "C" text_ops, (b + 1), c collate "x") where c > 1 do update set a = 1
insert into t values (1) on conflict (a) where b do nothing
insert into t values (1) on conflict on constraint t_pkey do update set (a, b) = (1, 2)
insert into t values (1) on conflict (a) do update set (a, b) = (select 1, 2), c = default
insert into t select on conflict do nothing
insert into t select returning a
update t set a = 1
update only t set a = 1, b = default where c = 2
update t * set a = 1
update t as x set a = x.b
update t x set a = 1 from u join v on true, w where x.a = u.a returning x.*, u.b
update t set (a, b) = (1, 2), (c, d) = row(1, 2), (e) = (select 1), (f, g) = (select 1, 2)
update t set a[1] = 2, a[1:2] = '{1}', b.c = 3, b.c[2].d = 4
update t set a = 1 where current of c
update t set a = a + 1 returning a, (select 1)
delete from t
delete from only t where a = 1
delete from t as x using u, v where x.a = u.a returning x.a
delete from t x where current of c
delete from t * x
merge into t using u on t.a = u.a when matched then update set b = u.b when not matched then insert values (u.a, u.b)
merge into only t as x using (select 1 as a) s on x.a = s.a when matched and x.b > 1 then delete when matched then do nothing when not matched and s.a > 1 then insert (a, b) values (1, default) when not matched then insert default values
merge into t using u join v on true on t.a = u.a when not matched then insert (a) overriding system value values (1) when matched then update set (a, b) = (1, 2), c = default
with x as (select 1) merge into t using x on true when matched then do nothing
select 1;
;;select 1;; select 2;
select 'a'
begin
begin work
begin transaction isolation level serializable
begin isolation level read committed, read only, not deferrable
begin isolation level repeatable read read write deferrable
start transaction
start transaction isolation level read uncommitted
commit
commit work and chain
commit transaction and no chain
end
end and chain
rollback
rollback work
abort
abort and no chain
savepoint a
savepoint savepoint
release a
release savepoint a
release savepoint
rollback to a
rollback to savepoint a
rollback work to savepoint a
rollback to savepoint
prepare transaction 'x'
commit prepared 'x'
rollback prepared 'x'
set a = 1
set a to 1
set a.b = 'x'
set a = on
set a = true, false, off, x, 1.5, -2
set search_path to a, "B", 'c'
set search_path = ''
set a to default
set a = default
set session a = 1
set local a = 1
set local = 1
set session = 1
set local.x = 1
set session to 'x'
set time zone 'utc'
set time zone utc
set time zone local
set time zone default
set time zone -5
set time zone 1.5
set time zone interval '1' hour to minute
set time zone interval '-08:00' hour to minute
set time zone interval '1'
set time zone interval(3) '1'
set local time zone 'x'
set timezone to 'x'
set schema 'x'
set names 'utf8'
set names default
set names
set names = 'x'
set role x
set role none
set role 'x'
set role = 'x'
set session authorization x
set session authorization 'x'
set session authorization default
set local session authorization x
set session session authorization x
set transaction read only
set transaction isolation level serializable, read write
set local transaction read only
set session characteristics as transaction read only
set transaction snapshot 'x'
set xml option document
set a from current
set constraints all deferred
set constraints a, s.b immediate
set constraints = 1
set client_min_messages to warning
set datestyle = iso, mdy
set bytea_output = 'hex'
reset a
reset a.b
reset all
reset time zone
reset transaction isolation level
reset session authorization
reset role
show a
show a.b
show all
show time zone
show transaction isolation level
show session authorization
show server_version
discard all
discard plans
discard sequences
discard temp
discard temporary
prepare a as select 1
prepare a (int, text) as select $1, $2
prepare a as insert into t values ($1)
prepare a as with x as (select 1) update t set a = 1
prepare a as values (1)
prepare transaction as select 1
execute a
execute a (1, 'x', now())
deallocate a
deallocate prepare a
deallocate all
deallocate prepare all
deallocate prepare
declare c cursor for select 1
declare c binary insensitive no scroll cursor with hold for select 1
declare c scroll asensitive cursor without hold for select 1 for update
declare c cursor for values (1)
declare c cursor for with x as (select 1) select * from x
fetch c
fetch from c
fetch next c
fetch next from c
fetch next
fetch prior in c
fetch first from c
fetch last c
fetch absolute 5 from c
fetch absolute -1 c
fetch relative 2 from c
fetch 5 from c
fetch -5 c
fetch 0 c
fetch all c
fetch all from c
fetch forward c
fetch forward from c
fetch forward 5 from c
fetch forward all c
fetch forward
fetch backward from c
fetch backward 5 c
fetch backward all in c
move c
move forward 5 in c
move absolute 0 c
close c
close all
listen a
listen "A b"
unlisten a
unlisten *
notify a
notify a, 'x'
lock t
lock table t
lock table only t, s.u, v * in access share mode
lock t in row share mode
lock t in row exclusive mode nowait
lock t in share update exclusive mode
lock t in share mode
lock t in share row exclusive mode
lock t in exclusive mode
lock t in access exclusive mode nowait
lock t nowait
copy t from stdin
copy t to stdout
copy t (a, b) from '/x'
copy s.t to '/x'
copy t from program 'x'
copy t to program 'x'
copy t from stdin with (format csv, header, delimiter ',', null '', quote '"', escape '\', force_quote (a, b), force_not_null (a), force_null (b), encoding 'utf8', freeze true, header match)
copy t to stdout (format binary)
copy t to stdout (force_quote *)
copy t from stdin csv header
copy t from stdin with csv header delimiter as ';' null as 'x' quote 'a' escape as 'b'
copy t to stdout csv force quote a, b
copy t to stdout csv force quote *
copy t from stdin csv force not null a, b force null c
copy t from stdin binary
copy binary t from stdin
copy t from stdin using delimiters ','
copy t from stdin delimiters ','
copy t from stdin encoding 'x' freeze
copy t from stdin where a > 1
copy t from stdin (format csv) where a > 1 and b
copy (select 1) to stdout
copy (values (1)) to '/x' with csv
copy (insert into t values (1) returning *) to stdout
copy (with x as (select 1) select * from x) to program 'y' (format csv)
explain select 1
explain analyze select 1
explain verbose select 1
explain analyze verbose insert into t values (1)
explain (analyze) select 1
explain (analyze on, verbose off, costs false, buffers true, format json, timing 1, wal, summary, settings) select 1
explain (format 'json') update t set a = 1
explain (analyse, format xml) delete from t
explain (select 1)
explain ((select 1) union (select 2))
explain execute a (1)
explain declare c cursor for select 1
explain create table t as select 1
explain analyze create materialized view v as select 1
explain refresh materialized view v
explain merge into t using u on true when matched then do nothing
explain with x as (select 1) select 1
explain values (1)
explain table t
call f()
call s.f(1, b => 2)
do $$begin end$$
do language plpgsql $$x$$
do $$x$$ language 'plpgsql'
vacuum
vacuum t
vacuum full
vacuum full freeze verbose analyze t, s.u (a, b)
vacuum (full, analyze, parallel 2, index_cleanup auto) t
vacuum verbose analyze
vacuum analyze t (a)
analyze
analyze t
analyze verbose t (a, b), u
analyze (verbose, skip_locked) t
analyse t
reindex index a
reindex table s.t
reindex schema s
reindex database d
reindex system d
reindex index concurrently a
reindex (verbose, tablespace x) table concurrently t
cluster
cluster t
cluster verbose
cluster t using i
cluster verbose t using i
cluster (verbose) t
cluster i on t
checkpoint
load 'x'
create schema s
create schema if not exists s
create schema authorization r
create schema s authorization current_user
create schema if not exists authorization r
create schema s create table t (a int) create view v as select 1 create index on t (a) create sequence q grant select on t to r
create table t ()
create table t (a int)
create table if not exists s.t (a int, b text not null, c varchar(10) default 'x', d numeric(10, 2) check (d > 0))
create temp table t (a int)
create temporary table t (a int) on commit drop
create local temp table t (a int) on commit delete rows
create global temporary table t (a int) on commit preserve rows
create unlogged table t (a int)
create table t (a int primary key, b int unique, c int references u, d int references u (x) on delete cascade on update set null)
create table t (a int constraint x not null constraint y primary key constraint z check (a > 0) no inherit)
create table t (a timestamp default now(), b text default 'x'::text collate "C", c text collate "C" default 'x')
create table t (a int references u match full on delete restrict on update no action deferrable initially deferred)
create table t (a int references u match simple not deferrable initially immediate, b int unique deferrable, c int primary key initially deferred)
create table t (a int references u on delete set null (b, c) on update set default, b int references u on delete set default)
create table t (a serial, b bigserial primary key, c smallserial not null)
create table t (a int generated always as identity, b int generated by default as identity (start with 10 increment by 5 minvalue 1 maxvalue 100 cache 10 cycle), c int generated always as (a * 2) stored)
create table t (a int, b int, primary key (a, b), unique (a), unique nulls not distinct (b), check (a > b), foreign key (a) references u (x) on delete cascade)
create table t (a int, constraint p primary key (a) include (b) with (fillfactor = 70) using index tablespace x deferrable initially deferred)
create table t (a int, constraint c check (a > 0) no inherit not valid, constraint f foreign key (a, b) references s.u (c, d) match full on update cascade not valid)
create table t (a int, exclude using gist (a with =, b with &&) where (a > 0), exclude (lower(c) with operator(pg_catalog.=)))
create table t (a int unique nulls not distinct, b int unique nulls distinct with (fillfactor = 10) using index tablespace x)
create table t (like u)
create table t (like u including all, a int, like s.v including defaults including constraints excluding indexes including comments including generated including identity including statistics including storage including compression)
create table t (a int) inherits (u, s.v)
create table t (a int) with (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled, x = 'y', ttl = '10s', n = none)
create table t (a int) without oids
create table t (a int) tablespace x
create table t (a int) using heap with (fillfactor = 10) tablespace pg_default
create table t (a int) partition by range (a)
create table t (a int) partition by list (lower(b) collate "C" text_ops, (a + 1))
create table t partition of u for values in (1, 'x', null)
create table t partition of u for values from (minvalue, 1) to (maxvalue, 10)
create table t partition of u (constraint x check (a > 0), b default 1, c with options not null) for values with (modulus 4, remainder 0) partition by hash (a)
create table t partition of u default
create table t of ty
create table t of s.ty (a with options primary key, b not null, unique (c))
create table t (a int[], b int[3][], c int array, d timestamp(3) with time zone, e interval day to second(3), f "char", g s.ty, h double precision, i bit varying(5), j char(3)[])
create table t (a text compression pglz, b text compression default)
create table t ("select" int, "A b" text, year int, name text, type text, value text, key text)
create table t as select 1
create table t (a, b) as select 1, 2
create table t (a) as values (1) with no data
create temp table t as table u with data
create table if not exists t as select 1
create unlogged table t with (fillfactor = 10) as select 1
create temp table t on commit drop as select 1
create table t as execute p (1)
create table t as with x as (select 1) select * from x
create table t as (select 1)
create materialized view v as select 1
create materialized view if not exists v (a) using heap with (fillfactor = 10) tablespace x as select 1 with no data
create unlogged materialized view v as select 1
refresh materialized view v
refresh materialized view concurrently s.v with data
refresh materialized view v with no data
alter table t add a int
alter table t add column a int not null default 1 check (a > 0), add column if not exists b text collate "C", drop a, drop column if exists b cascade
alter table if exists only s.t alter column a type bigint using a::bigint
alter table t alter a set data type text collate "C" using a || 'x', alter b set default 1 + 2, alter c drop default, alter d set not null, alter e drop not null
alter table t * add a int
alter table t alter a drop expression if exists
alter table t alter a add generated always as identity (start 5), alter b add generated by default as identity
alter table t alter a set generated always set start with 5 restart with 10 set increment by 2 set cache 10 restart, alter b drop identity if exists
alter table t alter a set statistics 100, alter b set statistics -1, alter c set storage external, alter d set (n_distinct = 5), alter e reset (n_distinct), alter f set compression lz4
alter table t add constraint c check (a > 0) not valid, add primary key (a), add unique (b), add constraint f foreign key (a) references u not valid, validate constraint c, drop constraint d, drop constraint if exists e cascade
alter table t add constraint p primary key using index i deferrable, add constraint u unique using index j
alter table t alter constraint c deferrable initially deferred
alter table t enable trigger x, disable trigger all, enable trigger user, enable always trigger y, enable replica trigger z
alter table t enable rule x, disable rule y, enable always rule z
alter table t enable row level security, disable row level security, force row level security, no force row level security
alter table t cluster on i, set without cluster, set without oids, set logged, set unlogged, set tablespace x, set access method heap
alter table t set (fillfactor = 70), reset (fillfactor, toast.x)
alter table t inherit u, no inherit v
alter table t of ty
alter table t not of
alter table t owner to r
alter table t owner to current_user
alter table t replica identity default
alter table t replica identity full, replica identity nothing, replica identity using index i
alter table t rename to u
alter table if exists t rename column a to b
alter table t rename a to b
alter table t rename constraint a to b
alter table t set schema s
alter table t attach partition u for values in (1)
alter table t attach partition u default
alter table t detach partition u
alter table all in tablespace x set tablespace y
alter index i rename to j
alter index if exists i set (fillfactor = 10), reset (fillfactor)
alter index i set tablespace x
alter index i attach partition j
alter index i alter column 1 set statistics 100
alter view v rename to w
alter view v rename column a to b
alter view if exists v alter column a set default 1, alter b drop default
alter view v owner to r
alter view v set schema s
alter view v set (security_barrier = true)
alter view v reset (security_barrier)
alter materialized view v rename to w
alter materialized view v owner to r
alter materialized view v rename column a to b
alter sequence s restart
alter sequence if exists s restart with 5 increment 2 minvalue 1 no maxvalue cycle owned by t.a
alter sequence s as bigint start 1 cache 5 no cycle
alter sequence s owned by none
alter sequence s owner to r
alter sequence s rename to q
alter sequence s set schema x
alter sequence a.b.s restart
create index on t (a)
create index i on t (a)
create unique index concurrently if not exists i on only s.t using btree (a asc, b desc nulls last, lower(c), (d + 1), e collate "C" text_pattern_ops desc nulls first) include (f, g) nulls not distinct with (fillfactor = 70) tablespace x where a > 0
create index i on t using hash (a)
create index i on t using gin (a gin_trgm_ops (siglen = 10))
create index concurrently on t (a)
create index concurrently on t (coalesce(a, 1), s.f(b))
create sequence s
create temp sequence if not exists s as int increment by 5 minvalue -5 maxvalue 10 start with 1 cache 5 cycle owned by t.a
create sequence s no minvalue no maxvalue no cycle increment -1 start 5 owned by none
create unlogged sequence s
create view v as select 1
create or replace view s.v (a, b) as select 1, 2
create temp view v as select 1
create or replace temporary view v as select 1
create recursive view v (n) as values (1) union all select n + 1 from v
create view v with (security_barrier, check_option = local) as select 1
create view v as select 1 with check option
create view v as select 1 with local check option
create view v as select 1 with cascaded check option
create view v as table t
create view v as with x as (select 1) select * from x
create type t
create type t as enum ()
create type t as enum ('a', 'b')
create type s.t as (a int, b text collate "C")
create type t as ()
create type t as range (subtype = float8, subtype_diff = float8mi)
create type t (input = f, output = g, internallength = variable, like = int4, alignment = double, passedbyvalue, default = 'x', category = 'U')
alter type t add value 'x'
alter type t add value if not exists 'x' before 'y'
alter type t add value 'x' after 'y'
alter type t rename value 'a' to 'b'
alter type t rename to u
alter type t rename attribute a to b cascade
alter type t owner to r
alter type t set schema s
alter type t add attribute a int collate "C" cascade, drop attribute if exists b restrict, alter attribute c set data type text, alter attribute d type int cascade
create domain d as int
create domain s.d text collate "C" default 'x' not null constraint c check (value > '') null check (true)
alter domain d set default 1
alter domain d drop default
alter domain d set not null
alter domain d drop not null
alter domain d add constraint c check (value > 0) not valid
alter domain d add check (value > 0)
alter domain d drop constraint if exists c cascade
alter domain d validate constraint c
alter domain d rename constraint a to b
alter domain d rename to e
alter domain d owner to r
alter domain d set schema s
create function f() returns int language sql as 'select 1'
create or replace function s.f(a int, b text default 'x', c int = 5, out d int, inout e text, variadic g int[]) returns setof record as $$select 1$$ language plpgsql immutable strict security definer parallel safe cost 10 rows 100 leakproof
create function f(int, text) returns void as 'x' language 'c' stable called on null input security invoker not leakproof external security definer returns null on null input
create function f(double precision, a double precision, character varying, b character varying(3), c timestamp with time zone, d int[]) returns int language sql return 1
create function f(a int) returns int begin atomic select 1; select a; end
create function f(a t.c%type, b s.t.c%type) returns t.c%type language sql as 'x', 'y'
create function f() returns trigger language plpgsql as $$begin return new; end$$ set search_path = a, b set x to default set y from current window support s.f transform for type int, for type text
create function f(a int) returns setof t language sql volatile as 'x'
create procedure p(a int, inout b int) language sql as 'x'
create or replace procedure p() begin atomic insert into t values (1); end
create function f(a int default 1, text = 'x') returns int language sql as 'x'
create function "F"("A" "T") returns "char" language sql as ''
alter function f(int) rename to g
alter function f owner to r
alter function s.f(a int, out b int) set schema x
alter function f() immutable strict cost 5 restrict
alter function f() set a = 1
alter function f() reset all
alter function f() depends on extension x
alter procedure p() rename to q
alter routine r() stable
alter aggregate a(int) rename to b
alter aggregate a(*) owner to r
alter aggregate a(int order by int) set schema s
create trigger t before insert on u execute function f()
create or replace trigger t after insert or update of a, b or delete or truncate on s.u referencing new table as n old table as o for each statement when (pg_trigger_depth() = 0) execute procedure s.f('a', 1, 1.5, x)
create trigger t instead of update on v for each row execute function f()
create trigger t after update on u for row when (old.* is distinct from new.*) execute function f()
create constraint trigger t after insert on u from s.w deferrable initially deferred for each row execute function f()
alter trigger t on u rename to v
create extension x
create extension if not exists x with schema s version '1.0' cascade
create extension x version "a"
alter extension x update
alter extension x update to '2'
alter extension x set schema s
alter extension x add table t
create cast (int as text) with function f(int) as implicit
create cast (int as text) without function as assignment
create cast (int as s.t) with inout
create database d
create database d with owner = r template t encoding 'utf8' lc_collate 'C' lc_ctype = "C" tablespace = default connection limit = 5 allow_connections true is_template = false strategy = file_copy
alter database d with connection limit 5
alter database d allow_connections false
alter database d rename to e
alter database d owner to r
alter database d set a = 1
alter database d reset all
alter database d set tablespace x
drop database d
drop database if exists d with (force)
drop database d (force)
drop table t
drop table if exists t, s.u cascade
drop table t restrict
drop view v, w
drop materialized view if exists v
drop sequence s cascade
drop index i
drop index concurrently if exists i, j
drop schema s cascade
drop schema if exists s, t
drop type t, int
drop domain if exists d cascade
drop function f
drop function f(), g(int, text), s.h(a int, out b int) cascade
drop function if exists f(variadic int[])
drop procedure p(int)
drop routine r()
drop aggregate a(int), b(*), c(int order by text)
drop operator +(int, int), s.-(none, int) cascade
drop trigger t on u cascade
drop trigger if exists t on s.u
drop rule r on t
drop policy p on t
drop extension x, y cascade
drop cast (int as text)
drop collation c
drop operator class c using btree
drop operator family f using hash
drop text search configuration c
drop language plpgsql
drop procedural language x
drop foreign table t
drop statistics s
drop publication p
drop role r
drop user if exists a, b
drop group g
drop owned by r, current_user cascade
reassign owned by a, b to c
truncate t
truncate table only t, s.u * restart identity cascade
truncate t continue identity restrict
comment on table t is 'x'
comment on table s.t is null
comment on column t.a is 'x'
comment on column s.t.a is $$x$$
comment on function f(int) is 'x'
comment on aggregate a(*) is 'x'
comment on constraint c on t is 'x'
comment on constraint c on domain d is 'x'
comment on trigger t on u is 'x'
comment on type t is 'x'
comment on domain d is 'x'
comment on schema s is 'x'
comment on database d is 'x'
comment on role r is 'x'
comment on extension e is 'x'
comment on index i is E'x\n'
comment on view v is 'x'
comment on materialized view v is 'x'
comment on sequence s is 'x'
comment on operator +(int, int) is 'x'
comment on operator -(none, int) is 'x'
comment on cast (int as text) is 'x'
comment on collation c is 'x'
comment on large object 123 is 'x'
comment on operator class c using btree is 'x'
comment on text search parser p is 'x'
comment on tablespace t is 'x'
comment on access method heap is 'x'
comment on procedure p() is 'x'
comment on rule r on t is 'x'
create role r
create role r in role a, b role c, d admin e sysid 5
create role r password null
create group g user a, b
alter role r with nologin connection limit -1
alter role r password 'x'
alter user current_user createdb
alter role all set a = 1
alter role r in database d set a to default
alter role r reset all
alter role r in database d reset a
alter role r rename to s
alter role session_user set search_path = a, b
alter group g add user a, b
alter group g drop user a
alter group g rename to h
grant select on t to r
grant select, insert (a, b), update (c), references on table t, s.u to r, public, group g with grant option granted by current_user
grant all on t to r
grant all privileges on all tables in schema s, t to r
grant all (a, b) on t to r
grant all privileges (a) on t to r
grant usage on schema s to r
grant usage, select on sequence s to r
grant usage on all sequences in schema public to r
grant execute on function f(int), g to r
grant execute on all functions in schema s to r
grant execute on procedure p() to r
grant connect, temporary, create on database d to r
grant usage on type t to r
grant usage on domain d to r
grant usage on language sql to r
grant select on large object 1, 2 to r
grant set, alter system on parameter a, b.c to r
grant create on tablespace t to r
grant a, b to c, d
grant a to b with admin option
grant a to b granted by c
grant select to r
revoke select on t from r
revoke grant option for select on t from r cascade
revoke all on all tables in schema s from public restrict
revoke a from b
revoke admin option for a from b cascade
revoke all privileges on database d from public
revoke a from b granted by c
alter default privileges grant select on tables to r
alter default privileges for role a in schema s, t revoke all on functions from public cascade
alter default privileges for user a grant usage on sequences to b with grant option
alter default privileges in schema s grant usage on types to r
alter default privileges revoke grant option for all on schemas from r
alter default privileges grant execute on routines to r
alter system set a = 1
alter system set a.b to 'x', 'y'
alter system reset a
alter system reset all
alter schema s rename to t
alter schema s owner to r
alter collation c rename to d
alter collation c refresh version
alter operator +(int, int) owner to r
alter language x rename to y
alter event trigger e disable
alter policy p on t to r
alter publication p add table t
alter server s options (a 'b')
alter text search dictionary d (a = 'b')
alter statistics s rename to t
alter large object 1 owner to r
alter tablespace t rename to u
alter foreign table t add a int
alter conversion c rename to d
create aggregate a (int) (sfunc = f, stype = int, initcond = '0')
create or replace aggregate a (*) (sfunc = f, stype = int)
create aggregate a (int order by int) (sfunc = f, stype = int)
create aggregate a (basetype = int, sfunc = f, stype = int)
create operator + (leftarg = int, rightarg = int, procedure = f, commutator = operator(pg_catalog.+), hashes, merges)
create operator s.=== (function = f, leftarg = int)
create operator class c for type int using btree as operator 1 <
create operator family f using btree
create collation c from "C"
create collation if not exists c (locale = 'x', provider = icu)
create text search configuration c (parser = default)
create text search dictionary d (template = simple)
create rule r as on insert to t do instead nothing
create rule r as on update to t where a > 1 do also (insert into u values (1); delete from v)
create policy p on t using (true)
create language x
create trusted procedural language x handler h
create foreign table t (a int) server s
create foreign data wrapper w
create server s foreign data wrapper w
create user mapping for u server s
create publication p for table t
create subscription s connection 'x' publication p
create tablespace t location '/x'
create statistics s on a, b from t
create transform for int language sql (from sql with function f(int))
create event trigger e on ddl_command_start execute function f()
create access method a type index handler h
create conversion c for 'a' to 'b' from f
create default conversion c for 'a' to 'b' from f
security label on table t is 'x'
import foreign schema s from server x into y
