// postgres.js: pipelined queries, transactions, savepoints, cursors, COPY, arrays and dynamic fragments, listen.
import assert from "node:assert/strict";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import postgres from "postgres";

const sql = postgres({ max: 3, onnotice: () => {} });
await sql`CREATE TABLE thing (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, tags text[], data jsonb, at timestamptz DEFAULT now())`;
const rows = Array.from({ length: 10 }, (_, i) => ({ name: `t${i}`, tags: ["a", `b${i}`], data: sql.json({ i }) }));
const inserted = await sql`INSERT INTO thing ${sql(rows, "name", "tags", "data")} RETURNING id, name`;
assert.deepEqual(inserted.map((row) => row.id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
assert.equal(inserted.count, 10);
const [third] = await sql`SELECT * FROM thing WHERE id = ${3}`;
assert.deepEqual([third.name, third.tags, third.data], ["t2", ["a", "b2"], { i: 2 }]);
assert.ok(third.at instanceof Date);
assert.equal((await sql`SELECT ${sql(["id", "name"])} FROM thing WHERE name IN ${sql(["t1", "t2"])} ORDER BY id`).length, 2);
assert.equal((await sql`SELECT id FROM thing WHERE id = ANY(${[1, 2, 99]}::int[])`).length, 2);
const changes = { name: "changed", tags: ["z"] };
await sql`UPDATE thing SET ${sql(changes, "name", "tags")} WHERE id = 1`;
assert.deepEqual((await sql`SELECT name, tags FROM thing WHERE id = 1`)[0], changes);

const pipelined = await Promise.all(Array.from({ length: 50 }, (_, i) => sql`SELECT ${i}::int AS n`));
assert.deepEqual(pipelined.map(([row]) => row.n), Array.from({ length: 50 }, (_, i) => i));

const result = await sql.begin(async (tx) => {
  await tx`DELETE FROM thing WHERE id > 5`;
  await tx.savepoint((sp) => sp`INSERT INTO thing (name) VALUES (NULL)`).catch((error) => assert.equal(error.code, "23502"));
  return tx`SELECT count(*)::int AS n FROM thing`;
});
assert.equal(result[0].n, 5);
await assert.rejects(sql.begin(async (tx) => { await tx`DELETE FROM thing`; throw new Error("no"); }), /no/);
assert.equal((await sql`SELECT 1 FROM thing`).length, 5);

let seen = 0;
await sql`SELECT * FROM generate_series(1, 100)`.cursor(30, (batch) => { seen += batch.length; });
assert.equal(seen, 100);
const described = await sql`SELECT id, name FROM thing WHERE id = ${1}`.describe();
assert.deepEqual([described.types, described.columns.map((column) => column.type)], [[23], [23, 25]]);
const unsafe = await sql.unsafe("SELECT 1 AS a; SELECT 2 AS b");
assert.deepEqual(unsafe.map((part) => part[0]), [{ a: 1 }, { b: 2 }]);

await pipeline(Readable.from(["c1\n", "c2\n"]), await sql`COPY thing (name) FROM STDIN`.writable());
let copied = "";
for await (const chunk of await sql`COPY (SELECT name FROM thing WHERE name LIKE 'c_' ORDER BY 1) TO STDOUT`.readable()) copied += chunk;
assert.equal(copied, "c1\nc2\n");

let hear;
const heard = new Promise((resolve) => { hear = resolve; });
await sql.listen("news", hear);
await sql.notify("news", "payload");
assert.equal(await heard, "payload");
await sql`DROP TABLE thing`;
await sql.end();
