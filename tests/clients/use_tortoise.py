"""Tortoise ORM on asyncpg: schema from models, relations, prefetching, transactions, aggregates."""
import asyncio
import os

from tortoise import Tortoise, fields
from tortoise.exceptions import IntegrityError
from tortoise.functions import Count
from tortoise.models import Model
from tortoise.transactions import in_transaction


class Team(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50, unique=True, description="what they are called")
    data = fields.JSONField(default=dict)


class Player(Model):
    id = fields.UUIDField(primary_key=True)
    name = fields.TextField()
    score = fields.DecimalField(max_digits=6, decimal_places=2, default=0)
    joined = fields.DatetimeField(auto_now_add=True)
    team = fields.ForeignKeyField("models.Team", related_name="players", null=True)
    friends = fields.ManyToManyField("models.Player")


async def main():
    url = f"asyncpg://postgres@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"
    await Tortoise.init(db_url=url, modules={"models": ["__main__"]})
    await Tortoise.generate_schemas()
    await Tortoise.generate_schemas(safe=True)
    red = await Team.create(name="red", data={"k": [1]})
    await Player.bulk_create([Player(name=f"p{i}", score=i, team=red) for i in range(5)])
    first, second = await Player.all().order_by("name").limit(2)
    await first.friends.add(second)
    assert [p.name for p in await Player.filter(friends=second)] == ["p0"]
    teams = await Team.all().prefetch_related("players").annotate(n=Count("players"))
    assert (teams[0].n, len(teams[0].players), teams[0].data) == (5, 5, {"k": [1]})
    try:
        async with in_transaction():
            await Team.create(name="blue")
            await Team.create(name="red")
    except IntegrityError:
        pass
    assert await Team.all().count() == 1
    assert await Player.filter(team__name="red", score__gte=3).values_list("name", flat=True) == ["p3", "p4"]
    await Player.filter(name="p1").update(score=10)
    assert (await Player.get(name="p1")).score == 10
    assert (await Team.get_or_create(name="red"))[1] is False
    await Tortoise.close_connections()


asyncio.run(main())
