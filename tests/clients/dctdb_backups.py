"""The original package loads a full backup of DictDB's and applies a delta to it."""

import sys

from dictdb import DictDB
from dictdb.storage.persist import apply_delta
from loguru import logger

logger.remove()
full, delta = sys.argv[1:3]
db = DictDB.load(full, file_format="json")
affected = apply_delta(db, delta)
assert affected == 6, affected
users = sorted((r["id"], r["name"], r["score"], r["ok"]) for r in db.get_table("users").records.values())
print("users", users)
print("gaps", sorted((r["k"], r["v"]) for r in db.get_table("gaps").records.values()))
print("keyless", len(db.get_table("keyless").records))
