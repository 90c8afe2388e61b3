// TypeORM: schema synchronisation twice (nothing to do the second time), repositories, relations, query builder.
import assert from "node:assert/strict";
import "reflect-metadata";
import { DataSource, EntitySchema } from "typeorm";

const Author = new EntitySchema({
  name: "Author",
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String, length: 50, unique: true }, born: { type: "date", nullable: true }, created: { type: "timestamptz", createDate: true } },
  relations: { books: { type: "one-to-many", target: "Book", inverseSide: "author" } },
});
const Book = new EntitySchema({
  name: "Book",
  columns: {
    id: { type: "uuid", primary: true, generated: "uuid" },
    title: { type: "text" },
    price: { type: "numeric", precision: 8, scale: 2, default: 0 },
    kind: { type: "enum", enum: ["novel", "essay"], default: "novel" },
    tags: { type: "text", array: true, default: [] },
    data: { type: "jsonb", nullable: true },
  },
  indices: [{ columns: ["title"], name: "book_title" }],
  checks: [{ expression: "price >= 0", name: "price_positive" }],
  relations: { author: { type: "many-to-one", target: "Author", inverseSide: "books", onDelete: "CASCADE", joinColumn: true } },
});
const options = { type: "postgres", host: process.env.PGHOST, port: Number(process.env.PGPORT), username: "postgres", database: process.env.PGDATABASE, entities: [Author, Book], uuidExtension: "pgcrypto", installExtensions: false };
const source = await new DataSource(options).initialize();
await source.synchronize();
const pending = await source.driver.createSchemaBuilder().log();
assert.deepEqual(pending.upQueries.map((query) => query.query), []);
const authors = source.getRepository("Author");
const books = source.getRepository("Book");
const anna = await authors.save({ name: "Anna", born: "1950-05-01" });
await books.save([{ title: "A", author: anna, price: 3.5, tags: ["x"], data: { k: 1 } }, { title: "B", author: anna, kind: "essay" }]);
const found = await authors.findOne({ where: { name: "Anna" }, relations: { books: true }, order: { books: { title: "ASC" } } });
assert.deepEqual(found.books.map((book) => [book.title, book.price, book.tags]), [["A", "3.50", ["x"]], ["B", "0.00", []]]);
const sums = await books.createQueryBuilder("b").innerJoin("b.author", "a").select("a.name", "name").addSelect("SUM(b.price)", "total").groupBy("a.name").getRawMany();
assert.deepEqual(sums, [{ name: "Anna", total: "3.50" }]);
await authors.upsert({ name: "Anna", born: "1951-01-01" }, ["name"]);
assert.equal((await authors.findOneBy({ name: "Anna" })).born, "1951-01-01");
await assert.rejects(books.save({ title: "C", author: anna, price: -1 }), (error) => error.driverError.constraint === "price_positive");
await assert.rejects(source.transaction(async (manager) => { await manager.delete("Book", {}).catch(() => manager.query("DELETE FROM book")); throw new Error("no"); }), /no/);
assert.deepEqual(await books.findAndCount({ take: 1, skip: 1, order: { title: "ASC" } }).then(([list, count]) => [list[0].title, count]), ["B", 2]);
await authors.delete({ name: "Anna" });
assert.equal(await books.count(), 0);
await source.dropDatabase();
await source.destroy();
