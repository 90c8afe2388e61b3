"""peewee: tables from models, queries, upsert, transactions, introspection."""
import datetime as dt
import os

import peewee
from playhouse import postgres_ext
from playhouse.reflection import Introspector

database = postgres_ext.PostgresqlExtDatabase(os.environ["PGDATABASE"], user="postgres", host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]))


class Base(peewee.Model):
    class Meta:
        database = database


class Person(Base):
    name = peewee.CharField(unique=True)
    born = peewee.DateField(null=True)
    data = postgres_ext.BinaryJSONField(default=dict, index=False)
    tags = postgres_ext.ArrayField(peewee.TextField, default=list, index=False)


class Pet(Base):
    owner = peewee.ForeignKeyField(Person, backref="pets", on_delete="CASCADE")
    kind = peewee.CharField(max_length=20, default="cat", index=True)
    at = peewee.DateTimeField(default=dt.datetime(2020, 1, 1))


database.connect()
database.create_tables([Person, Pet])
database.create_tables([Person, Pet])  # IF NOT EXISTS
anna = Person.create(name="Anna", born=dt.date(1990, 2, 3), data={"k": 1}, tags=["x", "y"])
with database.atomic():
    Pet.insert_many([{"owner": anna, "kind": kind} for kind in ("cat", "dog", "cat")]).execute()
try:
    with database.atomic():
        Person.create(name="Anna")
except peewee.IntegrityError:
    pass
assert Person.select().count() == 1
Person.insert(name="Anna", born=dt.date(1991, 1, 1)).on_conflict(conflict_target=[Person.name], update={Person.born: peewee.EXCLUDED.born}).execute()
anna = Person.get(Person.name == "Anna")
assert anna.born == dt.date(1991, 1, 1) and anna.data == {"k": 1} and anna.tags == ["x", "y"]
counted = Pet.select(Pet.kind, peewee.fn.COUNT(Pet.id).alias("n")).group_by(Pet.kind).order_by(Pet.kind)
assert [(row.kind, row.n) for row in counted] == [("cat", 2), ("dog", 1)]
assert [pet.owner.name for pet in Pet.select(Pet, Person).join(Person).where(Pet.kind == "dog")] == ["Anna"]
assert Person.select().where(Person.data.contains({"k": 1})).count() == 1
assert Pet.update(kind="bird").where(Pet.kind == "dog").returning(Pet.id).execute()[0].id == 2
assert sum(1 for _ in postgres_ext.ServerSide(Pet.select())) == 3
models = Introspector.from_database(database).generate_models()
assert set(models) == {"person", "pet"} and models["pet"].owner.rel_model is models["person"]
assert {index.name for index in database.get_indexes("pet")} == {"pet_pkey", "pet_kind", "pet_owner_id"}
assert database.get_foreign_keys("pet")[0].dest_table == "person"
assert anna.delete_instance() == 1 and Pet.select().count() == 0
database.drop_tables([Pet, Person])
assert database.get_tables() == []
