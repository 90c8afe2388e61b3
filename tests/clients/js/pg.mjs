// node-postgres: simple and extended protocol, types, pools, cursors, streams, notifications, errors, cancellation.
import assert from "node:assert/strict";
import pg from "pg";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";

const client = new pg.Client();
await client.connect();
const notices = [];
client.on("notice", (notice) => notices.push(notice.message));

await client.query("CREATE TABLE item (id serial PRIMARY KEY, name text UNIQUE, price numeric(8,2), tags text[], data jsonb, at timestamptz, raw bytea, big bigint)");
await client.query("CREATE TABLE IF NOT EXISTS item (id int)");
assert.deepEqual(notices, ['relation "item" already exists, skipping']);
const when = new Date("2020-01-02T03:04:05.678Z");
const inserted = await client.query(
  "INSERT INTO item (name, price, tags, data, at, raw, big) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *",
  ["it's", 9.5, ["a", 'b"c', null], { k: [1, { n: null }] }, when, Buffer.from([0, 255]), "9007199254740993"],
);
assert.equal(inserted.command, "INSERT");
assert.equal(inserted.rowCount, 1);
const [row] = inserted.rows;
assert.deepEqual([row.id, row.name, row.price, row.tags, row.data, row.at.getTime(), [...row.raw], row.big], [1, "it's", "9.50", ["a", 'b"c', null], { k: [1, { n: null }] }, when.getTime(), [0, 255], "9007199254740993"]);
assert.deepEqual(inserted.fields.map((field) => [field.name, field.dataTypeID]).slice(0, 3), [["id", 23], ["name", 25], ["price", 1700]]);

const several = await client.query("SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; SELECT 3 AS d WHERE false");
assert.deepEqual(several.map((result) => result.rows), [[{ a: 1 }], [{ b: 2, c: "x" }], []]);

for (let i = 0; i < 5; i++) {
  const named = await client.query({ name: "by-id", text: "SELECT name FROM item WHERE id = $1", values: [1] });
  assert.deepEqual(named.rows, [{ name: "it's" }]);
}
const arrays = await client.query({ text: "SELECT $1::int AS a, $2::date AS b", values: [7, "2020-02-29"], rowMode: "array" });
assert.deepEqual(arrays.rows[0][0], 7);
const binary = await client.query({ text: "SELECT $1::int8 AS big, $2::float8 AS f, $3::bool AS b", values: ["5", 1.5, true], binary: true });
assert.equal(Number(binary.rows[0].big), 5);

await assert.rejects(client.query("INSERT INTO item (name) VALUES ($1)", ["it's"]), (error) => {
  assert.equal(error.code, "23505");
  assert.equal(error.constraint, "item_name_key");
  assert.equal(error.detail, "Key (name)=(it's) already exists.");
  return true;
});
await assert.rejects(client.query("SELECT * FROM nowhere"), { code: "42P01", position: "15" });

await client.query("BEGIN");
await assert.rejects(client.query("SELECT 1/0"), { code: "22012" });
await assert.rejects(client.query("SELECT 1"), { code: "25P02" });
await client.query("ROLLBACK");

await client.query("INSERT INTO item (name, price) SELECT 'n' || i, i FROM generate_series(1, 1000) i");
const cursor = client.query(new Cursor("SELECT id FROM item WHERE id > $1 ORDER BY id", [1]));
assert.equal((await cursor.read(300)).length, 300);
assert.equal((await cursor.read(800)).length, 700);
assert.equal((await cursor.read(10)).length, 0);
await cursor.close();
let streamed = 0;
for await (const line of client.query(new QueryStream("SELECT * FROM item", [], { batchSize: 50 }))) streamed += line.id > 0;
assert.equal(streamed, 1001);

const listener = new pg.Client();
await listener.connect();
await listener.query("LISTEN news");
const heard = new Promise((resolve) => listener.on("notification", resolve));
await client.query("SELECT pg_notify('news', 'hello')");
const note = await heard;
assert.deepEqual([note.channel, note.payload], ["news", "hello"]);
await listener.end();

const pool = new pg.Pool({ max: 4 });
const sums = await Promise.all(Array.from({ length: 40 }, (_, i) => pool.query("SELECT $1::int + 1 AS n", [i])));
assert.deepEqual(sums.map((result) => result.rows[0].n), Array.from({ length: 40 }, (_, i) => i + 1));
await assert.rejects(pool.query("SET statement_timeout = 50; SELECT pg_sleep(5)"), { code: "57014" });
await pool.end();
await client.query("DROP TABLE item");
await client.end();
