"""Whether the metadata of a root can be read, before ML Metadata reads them.

A bit that is another than it was may end ML Metadata's C++ code, and the process with it, without a
word to whoever runs the pipeline. Python's own reader of SQLite only raises. No TensorFlow here.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from pipeline.root.identity import METADATA

# Types of the values where a column's declared type begins so; NULL may be anywhere.
_TYPES = {
    **dict.fromkeys(("INT", "TINYINT", "BOOLEAN"), (int,)),
    "DOUBLE": (float, int),
    "TEXT": (str,),
    "VARCHAR": (str,),
}


def check(root: str) -> None:
    """Reads all metadata, where there are any.

    Raises:
        sqlite3.DatabaseError: if they are damaged; see `failures`.
    """
    path = os.path.join(root, METADATA)
    if os.path.exists(path):
        with closing(sqlite3.connect(path)) as database:
            try:
                fault = next(_faults(database), None)
            except UnicodeDecodeError as error:  # of a name, or of what SQLite says of it
                fault = str(error)
        if fault:
            raise sqlite3.DatabaseError(f"database disk image is malformed: {fault}")


def _faults(database: sqlite3.Connection) -> Iterator[str]:
    for (said,) in database.execute("PRAGMA integrity_check"):
        if said != "ok":
            yield said
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        described = database.execute(f'PRAGMA table_info("{table}")').fetchall()
        columns = [(name, _types(declared)) for _, name, declared, *_ in described]
        for row in database.execute(f'SELECT * FROM "{table}"'):
            for (name, types), value in zip(columns, row, strict=True):
                if value is not None and not isinstance(value, types):
                    yield f"{table}.{name} is {value!r}"


def _types(declared: str) -> tuple[type, ...]:
    return next((types for name, types in _TYPES.items() if declared.startswith(name)), (object,))
