// knex: schema builder, queries, upsert, transactions, migrations, column information.
import assert from "node:assert/strict";
import knex from "knex";

const db = knex({ client: "pg", connection: {}, pool: { min: 0, max: 3 } });
const source = {
  getMigrations: async () => ["one", "two"],
  getMigrationName: (name) => name,
  getMigration: async (name) => ({
    one: {
      up: async (k) => {
        await k.schema.createTable("author", (t) => { t.increments(); t.string("name", 50).notNullable().unique(); t.timestamps(true, true); });
        await k.schema.createTable("book", (t) => {
          t.bigIncrements("id");
          t.integer("author_id").references("author.id").onDelete("CASCADE").index();
          t.string("title"); t.decimal("price", 8, 2).defaultTo(0); t.jsonb("data"); t.enu("kind", ["novel", "essay"]); t.uuid("key").defaultTo(k.raw("gen_random_uuid()"));
        });
      },
      down: (k) => k.schema.dropTable("book").dropTable("author"),
    },
    two: {
      up: (k) => k.schema.alterTable("book", (t) => { t.text("note").nullable(); t.renameColumn("title", "name"); t.index(["name", "price"], "name_price"); }),
      down: (k) => k.schema.alterTable("book", (t) => { t.dropIndex([], "name_price"); t.renameColumn("name", "title"); t.dropColumn("note"); }),
    },
  })[name],
};
await db.migrate.latest({ migrationSource: source });
const [{ id }] = await db("author").insert({ name: "Anna" }).returning("id");
await db.batchInsert("book", Array.from({ length: 10 }, (_, i) => ({ author_id: id, name: `b${i}`, price: i, data: { i }, kind: "novel" })), 4);
await db("author").insert({ name: "Anna" }).onConflict("name").merge({ updated_at: db.fn.now() });
const joined = await db("author as a").join("book as b", "a.id", "b.author_id").where("b.price", ">", 5).select("a.name", "b.name as title").orderBy("b.price", "desc");
assert.deepEqual(joined.map((row) => row.title), ["b9", "b8", "b7", "b6"]);
assert.equal(Number((await db("book").sum("price as s").first()).s), 45);
await assert.rejects(db("book").insert({ author_id: id, kind: "other" }), { code: "23514" });
await assert.rejects(db.transaction(async (tx) => { await tx("book").del(); throw new Error("no"); }), /no/);
assert.equal(Number((await db("book").count().first()).count), 10);
assert.equal((await db("book").whereJsonPath("data", "$.i", ">", 7)).length, 2);
const info = await db("book").columnInfo();
assert.deepEqual([info.name.type, info.name.maxLength, info.price.nullable], ["character varying", 255, true]);
assert.equal(await db.schema.hasColumn("book", "note"), true);
let streamed = 0;
for await (const row of db("book").stream()) streamed += 1;
assert.equal(streamed, 10);
await db.migrate.rollback({ migrationSource: source }, true);
assert.equal(await db.schema.hasTable("book"), false);
await db.destroy();
