"""The named statements of ``queries.sql``, and the steps of the schema."""

import re
from importlib.resources import files

from holdfast.toolkit import Step

__all__ = ["META", "QUERIES", "SESSIONS", "statements"]

_package = files("holdfast_sqlite")


def _named(text: str) -> dict[str, str]:
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    named = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    return {name: _expanded(query, named["head_columns"]) for name, query in named.items()}


# Materialized, or SQLite would write the JSON of a row anew for each of its values.
_NEW = "WITH new (value) AS MATERIALIZED (SELECT value FROM json_each(:rows))"


def _expanded(query: str, head_columns: str) -> str:
    query = re.sub(r"{(\d+):(\d+)}", r"substr(:texts, {\1}, {\2})", query)
    query = re.sub(r"{(\d+)}", r"json_extract(new.value, '$[\1]')", query)  # the shorter ->> needs SQLite 3.38
    return query.replace("{head_columns}", head_columns).replace("{new}", _NEW)


def statements(script: str) -> list[str]:
    """The statements of a script, one by one: ``executescript`` would commit in between."""
    return [part for part in (part.strip() for part in re.split(r";\s*$", script, flags=re.MULTILINE)) if part]


QUERIES = _named(_package.joinpath("queries.sql").read_text("utf-8"))

META = _package.joinpath("schema/meta.sql").read_text("utf-8")

SESSIONS = [
    Step(
        1,
        _package.joinpath("schema/sessions_0001.sql").read_text("utf-8"),
        min_reader=1,
        min_writer=1,
    ),
]
