"""The original package writes what DictDB is to read: a full backup, deltas, a pickle with all that it can hold, and pickles that
it would refuse itself."""

import datetime
import decimal
import os
import pathlib
import pickle
import sys
import uuid

from dictdb import BackupManager, DictDB
from loguru import logger

logger.remove()
folder = pathlib.Path(sys.argv[1])


class Harm:
    def __reduce__(self):
        return os.system, ("touch " + str(folder / "harm"),)


def first_table():
    db = DictDB()
    db.create_table("users", primary_key="id")
    users = db.get_table("users")
    users.insert({"id": 1, "name": "Alïce", "score": 1.5})
    users.insert({"id": 2, "name": 'B "\\\n', "score": float("nan")})
    users.insert({"id": 3, "name": "C", "score": float("-inf")})
    db.create_table("empty", primary_key="id")
    return db, users


db, users = first_table()
manager = BackupManager(db=db, backup_dir=folder, incremental=True, max_deltas_before_full=10)
manager.backup_full()
users.update({"name": "Bob"}, where=users.id == 2)
users.delete(where=users.id == 3)
manager.backup_delta()
users.insert({"id": 4, "name": "D", "score": 4.0, "more": [1, {"x": float("inf")}]})
users.update({"score": -0.5}, where=users.id == 1)
manager.backup_delta()

db, users = first_table()
zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
users.insert({
    "id": 4, "name": "all", "score": None, "day": datetime.date(2024, 2, 29), "clock": datetime.time(23, 59, 59, 999999),
    "at": datetime.datetime(2024, 2, 29, 1, 2, 3, 4), "there": datetime.datetime(2024, 2, 29, tzinfo=zone),
    "span": datetime.timedelta(days=-1, seconds=1, microseconds=5), "amount": decimal.Decimal("1.500"), "uid": uuid.UUID(int=7),
    "raw": b"\x00\xff", "big": 2**70, "ok": True, "list": [1, (2, 3)], "set": {5}, "map": {"a": {1: None}},
})
for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
    state = first_table()[0] if protocol < 4 else db
    (folder / f"protocol_{protocol}.pickle").write_bytes(pickle.dumps(state, protocol))
db.save(str(folder / "dictdb_backup_1700000000_000000.pickle"), "pickle")
users.insert({"id": 5, "name": Harm()})
(folder / "harm.pickle").write_bytes(pickle.dumps(db))
