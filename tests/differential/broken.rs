//! Statements with something wrong in them: sound ones of which a token or two are left out, doubled, exchanged or replaced. They
//! are only prepared; what the servers say to that must be the same, with where in the text and with what they suggest.

use crate::random::Random;

/// What the statements are about.
pub const TABLES: &[&str] = &[
    "CREATE TABLE a (id int PRIMARY KEY, b text, c numeric, d date, e int[])",
    "CREATE TABLE t (id int PRIMARY KEY, a_id int, name text, val int, UNIQUE (name, val))",
    "CREATE VIEW v AS SELECT id, b FROM a",
];

/// Sound statements.
const SOUND: &[&str] = &[
    "select id, b from a where id = 1 order by b desc nulls last limit 1 offset 0",
    "select a.id, count(*), sum(c) filter (where c > 0) from a left join t on t.a_id = a.id group by a.id having count(*) > 0",
    "select id, row_number() over (partition by b order by c rows between 1 preceding and current row) from a",
    "select w.x, rank() over w2 from (values (1), (2)) as w (x) window w2 as (order by x)",
    "with q as (select id from a), r (z) as (select 1) select * from q, r where q.id = r.z",
    "with recursive r (n) as (select 1 union all select n + 1 from r where n < 5) select n from r",
    "select * from a natural join t",
    "select * from a join t using (id)",
    "select case when id = 1 then 'a' when b = 'q' then b else null end from a",
    "select case id when 1 then 'a' when 2 then b end from a",
    "select id::text || b, cast(c as int), e[1], e[1:2], - id from a",
    "select exists (select 1 from t where t.a_id = a.id), id in (select a_id from t), id = any (select id from t) from a",
    "select * from generate_series(1, 3) with ordinality as g (i, o)",
    "select * from a, lateral (select t.name from t where t.a_id = a.id) s",
    "select distinct on (b) b, c from a order by b, c",
    "select id from a union all select id from t except select 1 order by 1",
    "select grouping(b), b, c, sum(id) from a group by rollup (b, c)",
    "select array[1, 2, 3], array(select id from a), row(1, 'x'), (1, 2) < (3, 4)",
    "select coalesce(b, 'x'), nullif(id, 1), greatest(id, 2), left(b, 1) from a",
    "select extract(year from d), substring(b from 1 for 2), position('a' in b), trim(both 'x' from b) from a",
    "select b like 'x%', b not ilike '%y' escape '!', b ~ 'x', id between 1 and 2, id is distinct from 3 from a",
    "select string_agg(b, ',' order by id), array_agg(distinct b), percentile_cont(0.5) within group (order by c) from a",
    "select id from a for update of a nowait",
    "select $1 + id, $2::text from a where b = $3 and c > $4",
    "select max(id) from a where id > (select avg(a_id) from t)",
    "select t.name as n, a.* from a cross join t where a.id > t.id and not a.b = t.name or a.c is null",
    "select sum(count(*)) over (), id from a group by id",
    "select unnest(e), generate_series(1, id) from a",
    "select * from (select id, b as q from a) as s (i, k) where i = 1",
    "values (1, 'a'), (2, 'b') order by 1 limit 1",
    "insert into a (id, b, c) values (3, 'z', 4.5), (4, default, null)",
    "insert into t (id, name, val) select id, b, 5 from a returning id, name as n",
    "insert into a values (1, 'x') on conflict (id) do update set b = excluded.b, c = a.c + 1 where a.id > 0",
    "update a set b = 'q', c = c + 1, e[1] = 5 from t where t.a_id = a.id returning a.id, t.name",
    "update a set (b, c) = (select name, val from t limit 1) where id = 2",
    "update v set b = 'x' where id = 1",
    "delete from a using t where t.a_id = a.id and t.val > 3 returning *",
    "merge into t using a on t.a_id = a.id when matched and t.val > 3 then update set val = 1 when not matched then do nothing",
];

/// What stands where another token did.
const WORDS: &[&str] = &[
    "select",
    "from",
    "where",
    "group",
    "order",
    "by",
    "a",
    "t",
    "b",
    "c",
    "id",
    "name",
    "sum",
    "(",
    ")",
    ",",
    ".",
    "*",
    "=",
    "'x'",
    "1",
    "null",
    "not",
    "and",
    "as",
    "on",
    "join",
    "distinct",
    "case",
    "end",
    "::",
    "text",
    "[",
    "]",
    "union",
    "limit",
    "nosuch",
    "a.nosuch",
    "$1",
    "1.5",
    "array[1]",
    "(select 1)",
    "(select 1, 2)",
    "sum(id)",
    "row_number() over ()",
];

/// A sound statement with one or two of its tokens changed.
pub fn broken(random: &mut Random) -> String {
    let mut tokens = tokens_of(random.pick(SOUND));
    for _ in 0..random.between(1, 2) {
        let at = random.below(tokens.len() as u64) as usize;
        match random.below(5) {
            0 if tokens.len() > 1 => {
                tokens.remove(at);
            }
            1 => tokens.insert(at, tokens[at].clone()),
            2 => tokens.insert(at, random.pick(WORDS).to_owned()),
            3 => {
                let other = random.below(tokens.len() as u64) as usize;
                tokens.swap(at, other);
            }
            _ => tokens[at] = random.pick(WORDS).to_owned(),
        }
    }
    tokens.join(" ")
}

/// What a token goes on with.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Word,
    Symbol,
    Alone,
}

/// The tokens of a statement, as far as it is worth while to take them apart.
fn tokens_of(sql: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let (mut quoted, mut before) = (false, Part::Alone);
    for c in sql.chars() {
        let part = match c {
            _ if c.is_alphanumeric() || "_$'".contains(c) => Part::Word,
            _ if ":|<>=!~".contains(c) => Part::Symbol,
            _ => Part::Alone,
        };
        if c == ' ' && !quoted {
            before = Part::Alone;
            continue;
        }
        let joins = quoted || part == before && part != Part::Alone;
        match tokens.last_mut().filter(|_| joins) {
            Some(token) => token.push(c),
            None => tokens.push(c.to_string()),
        }
        quoted ^= c == '\'';
        before = part;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_taken_apart() {
        assert_eq!(tokens_of("a.b = 'x y' and $1::int"), ["a", ".", "b", "=", "'x y'", "and", "$1", "::", "int"]);
    }
}
