// Drizzle over node-postgres: typed queries, joins, upsert, transactions, prepared statements.
import assert from "node:assert/strict";
import { and, count, desc, eq, gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, jsonb, numeric, pgEnum, pgTable, serial, text, timestamp } from "drizzle-orm/pg-core";
import pg from "pg";

const pool = new pg.Pool();
const db = drizzle(pool);
const mood = pgEnum("mood", ["sad", "happy"]);
const people = pgTable("people", { id: serial().primaryKey(), name: text().notNull().unique(), mood: mood().default("happy"), data: jsonb(), at: timestamp({ withTimezone: true }).defaultNow() });
const pets = pgTable("pets", { id: serial().primaryKey(), owner: integer().references(() => people.id, { onDelete: "cascade" }), weight: numeric({ precision: 6, scale: 2 }) });
await db.execute(sql`CREATE TYPE mood AS ENUM ('sad', 'happy')`);
await db.execute(sql`CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL UNIQUE, mood mood DEFAULT 'happy', data jsonb, at timestamptz DEFAULT now())`);
await db.execute(sql`CREATE TABLE pets (id serial PRIMARY KEY, owner integer REFERENCES people(id) ON DELETE CASCADE, weight numeric(6,2))`);
const [anna] = await db.insert(people).values([{ name: "Anna", data: { k: 1 } }, { name: "Ben", mood: "sad" }]).returning();
assert.deepEqual([anna.id, anna.mood, anna.data], [1, "happy", { k: 1 }]);
await db.insert(pets).values([{ owner: 1, weight: "3.5" }, { owner: 1, weight: "12" }]);
await db.insert(people).values({ name: "Ben", mood: "happy" }).onConflictDoUpdate({ target: people.name, set: { mood: sql`excluded.mood` } });
const rows = await db.select({ name: people.name, n: count(pets.id) }).from(people).leftJoin(pets, eq(pets.owner, people.id)).groupBy(people.name).orderBy(desc(count(pets.id)));
assert.deepEqual(rows, [{ name: "Anna", n: 2 }, { name: "Ben", n: 0 }]);
const prepared = db.select().from(people).where(and(eq(people.mood, sql.placeholder("mood")), gt(people.id, 0))).prepare("by_mood");
assert.equal((await prepared.execute({ mood: "happy" })).length, 2);
await assert.rejects(db.transaction(async (tx) => { await tx.delete(people); await tx.transaction(async (inner) => inner.insert(people).values({ name: "C" })); tx.rollback(); }));
assert.equal((await db.select().from(people)).length, 2);
await db.execute(sql`DROP TABLE pets, people`);
await pool.end();
