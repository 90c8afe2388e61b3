"""Pony: entities, generated queries, optimistic checks."""
import datetime as dt
import decimal
import os

from pony import orm

db = orm.Database()


class Customer(db.Entity):
    name = orm.Required(str, unique=True)
    born = orm.Optional(dt.date)
    data = orm.Optional(orm.Json)
    orders = orm.Set("Order")


class Order(db.Entity):
    customer = orm.Required(Customer)
    total = orm.Required(decimal.Decimal, precision=10, scale=2)
    at = orm.Required(dt.datetime, default=lambda: dt.datetime(2020, 1, 1))


db.bind("postgres", user="postgres", host=os.environ["PGHOST"], port=os.environ["PGPORT"], database=os.environ["PGDATABASE"])
db.generate_mapping(create_tables=True)
with orm.db_session:
    anna = Customer(name="Anna", data={"k": {"n": 2}})
    for i in range(4):
        Order(customer=anna, total=decimal.Decimal(i))
with orm.db_session:
    assert orm.select(sum(o.total) for o in Order if o.customer.name == "Anna").first() == decimal.Decimal("6.00")
    assert list(orm.select((c.name, orm.count(c.orders)) for c in Customer)) == [("Anna", 4)]
    assert Customer.get(lambda c: c.data["k"]["n"] == 2).name == "Anna"
    Customer.get(name="Anna").born = dt.date(1970, 1, 2)
    assert [o.total for o in Order.select().order_by(orm.desc(Order.total))[:2]] == [3, 2]
with orm.db_session:
    assert Customer[1].born == dt.date(1970, 1, 2)
    Customer[1].delete()
    assert orm.count(o for o in Order) == 0
db.drop_all_tables(with_all_data=True)
