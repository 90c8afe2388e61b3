"""pyarrow reads a backup in Arrow form: one stream after the other, tables by their names."""

import json
import os
import sys

import pyarrow as pa

path = sys.argv[1]
with open(path, "rb") as file:
    size = os.fstat(file.fileno()).st_size
    while file.tell() < size:
        table = pa.ipc.open_stream(file).read_all()
        metadata = table.schema.metadata
        if b"dictdb.table" not in metadata:
            print(", ".join(sorted(key.decode() for key in metadata)))
            continue
        name = next(iter(json.loads(metadata[b"dictdb.table"])))
        rows = table.drop_columns(["dictdb.gap"])
        types = [f"{field.name} {field.type}" for field in rows.schema]
        print(name, metadata[b"dictdb.part"].decode(), ", ".join(types))
        for row in rows.to_pylist():
            print(*row.values(), sep=" | ")
