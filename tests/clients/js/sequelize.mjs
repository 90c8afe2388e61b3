// Sequelize: models, sync, associations, upsert, transactions, ALTER, introspection. No ENUM and no findOrCreate: Sequelize
// makes them of PL/pgSQL.
import assert from "node:assert/strict";
import { DataTypes, Op, Sequelize } from "sequelize";

const db = new Sequelize(`postgres://postgres@${process.env.PGHOST}:${process.env.PGPORT}/${process.env.PGDATABASE}`, { logging: false });
await db.authenticate();
const User = db.define("user", {
  name: { type: DataTypes.STRING(50), unique: true, allowNull: false },
  kind: { type: DataTypes.CHAR(1), defaultValue: "a" },
  tags: DataTypes.ARRAY(DataTypes.STRING),
  data: DataTypes.JSONB,
  key: { type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4 },
});
const Post = db.define("post", { title: DataTypes.TEXT, score: { type: DataTypes.DECIMAL(6, 2), defaultValue: 0 } }, { indexes: [{ fields: ["title"] }] });
User.hasMany(Post, { onDelete: "CASCADE" });
Post.belongsTo(User);
await db.sync({ force: true });
await db.sync();
const anna = await User.create({ name: "Anna", tags: ["x"], data: { k: { n: 1 } }, posts: [{ title: "one" }, { title: "two", score: 2.5 }] }, { include: [Post] });
const found = await User.findOne({ where: { data: { k: { n: 1 } }, tags: { [Op.contains]: ["x"] } }, include: [{ model: Post, required: true }], order: [[Post, "title", "ASC"]] });
assert.deepEqual(found.posts.map((post) => [post.title, post.score]), [["one", "0.00"], ["two", "2.50"]]);
await User.bulkCreate([{ name: "Ben" }, { name: "Cleo", kind: "b" }], { returning: true });
await User.upsert({ name: "Ben", kind: "b" }, { conflictFields: ["name"] });
assert.equal(await User.count({ where: { kind: "b" } }), 2);
await assert.rejects(User.create({ name: "Anna" }), (error) => error.name === "SequelizeUniqueConstraintError" && error.fields.name === "Anna");
await assert.rejects(db.transaction(async (transaction) => { await User.destroy({ where: {}, transaction }); throw new Error("no"); }), /no/);
await User.create({ name: "Dora" });
const page = await User.findAndCountAll({ limit: 2, offset: 1, order: ["name"] });
assert.deepEqual([page.count, page.rows.map((user) => user.name)], [4, ["Ben", "Cleo"]]);
await anna.destroy();
assert.equal(await Post.count(), 0);
const query = db.getQueryInterface();
const columns = await query.describeTable("users");
assert.deepEqual([columns.name.type, columns.name.allowNull, columns.id.primaryKey, columns.kind.type], ["CHARACTER VARYING(50)", false, true, "CHARACTER(1)"]);
await query.addColumn("users", "extra", { type: DataTypes.INTEGER, defaultValue: 3 });
await query.changeColumn("users", "extra", { type: DataTypes.BIGINT });
await query.removeColumn("users", "extra");
assert.deepEqual((await query.showIndex("posts")).map((index) => index.name).sort(), ["posts_pkey", "posts_title"]);
assert.deepEqual((await query.showAllTables()).map((table) => table.tableName ?? table).sort(), ["posts", "users"]);
await db.drop({});
await db.close();
