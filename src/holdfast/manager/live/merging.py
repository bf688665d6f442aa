"""Merging: two states that were made from one, put together where they do not contradict each other."""

import sys
from collections.abc import Sequence
from typing import Any

from holdfast.models import RouteVisit, Session
from holdfast.strict import remade
from holdfast.values import canonical, pack, unpack

__all__ = ["MergeConflict", "merge"]

_TABLES = ("data", "metadata", "data_by_route")  # merged key by key; the rest of a state one by one
_LIFETIMES = ("expires_at", "state_expires_at")
_ALONE = ("agent", "schema_version", *_LIFETIMES)
_SHOWN = 64  # characters of a key in a path

_Piece = tuple[str, ...]
"""What is merged as one: a field, or one key of a table."""

_Tree = list[Any] | None
"""The JSON tree of a piece, in a list of its own; None where the piece is not there."""


class MergeConflict(Exception):
    """Both sides have changed one thing, and not to the same.

    Attributes:
        paths: Where (``data.name``, ``data_by_route.booking``, ``route``, ``status``): all of them, and no values.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(", ".join(paths))
        self.paths = tuple(paths)


def merge(base: Session, mine: Session, theirs: Session) -> Session:
    """Three-way merge: what either side has made of ``base``, in one state.

    ``data`` and ``metadata`` are merged by their keys, ``data_by_route`` by route; where the session is on its
    routes is one thing, and so is its status with the time of its completion. Reopening takes lifetimes back,
    whatever the other side, or the store by itself, has made of them. Values are equal if the store takes them for
    equal: 1 and True differ, the order of nested keys does not matter.

    Args:
        base: The state that both began with.
        mine: What one side made of it.
        theirs: What the other side made of it, as it is stored now.

    Returns:
        A session of its own, which shares nothing that can be changed with the three. All that is no state
        (id, key, user, version) is theirs; keys stand in their order, behind them those that only mine has.

    Raises:
        MergeConflict: Both have changed one thing, and not to the same.
        InvalidArgument: A state holds what cannot be stored.
    """
    before, ours, others = _pieces(base), _pieces(mine), _pieces(theirs)
    merged: dict[_Piece, _Tree] = {}
    conflicts: list[str] = []
    for piece in {**others, **ours}:
        old, new, other = before.get(piece), ours.get(piece), others.get(piece)
        if _same(new, other) or _same(new, old):
            merged[piece] = other
        elif _same(other, old):
            merged[piece] = new
        elif _taken_back(piece, base, mine) or _taken_back(piece, base, theirs):
            merged[piece] = [None]  # lives on
        else:
            conflicts.append(_path(piece))
    if conflicts:
        raise MergeConflict(conflicts)
    return _put_together(theirs, merged)


def _pieces(session: Session) -> dict[_Piece, _Tree]:
    """All that a state consists of."""
    session = remade(session)
    visits = [remade(visit).model_dump() for visit in session.route_history]
    values: dict[_Piece, Any] = {
        (table, key): value for table in _TABLES for key, value in getattr(session, table).items()
    }
    values["route",] = [session.current_route, session.current_step, visits]
    values["status",] = [session.status, session.completed_at]
    values |= {(name,): getattr(session, name) for name in _ALONE}
    return {piece: [_packed(value, _path(piece))] for piece, value in values.items()}


def _packed(value: Any, path: str) -> Any:
    # No bounds: how much may be stored, and how deep it may nest, is the adapter's to say.
    return pack(value, path, depth=sys.maxsize, limit=("state_bytes", sys.maxsize))


def _same(one: _Tree, other: _Tree) -> bool:
    return canonical(one) == canonical(other)


def _taken_back(piece: _Piece, before: Session, after: Session) -> bool:
    """Whether this is a lifetime that went as the session was reopened."""
    name, *_ = piece
    reopened = (before.status, after.status) == ("completed", "active")
    return reopened and name in _LIFETIMES and getattr(after, name) is None


def _put_together(theirs: Session, merged: dict[_Piece, _Tree]) -> Session:
    fields: dict[str, Any] = {table: {} for table in _TABLES}
    for (name, *key), tree in merged.items():
        if tree is None:
            continue  # one side has removed it
        value = unpack(tree[0])
        if key:
            fields[name][key[0]] = value
        elif name == "route":
            fields["current_route"], fields["current_step"], visits = value
            fields["route_history"] = [RouteVisit(**visit) for visit in visits]
        elif name == "status":
            fields["status"], fields["completed_at"] = value
        else:
            fields[name] = value
    return theirs.model_copy(update=fields)


def _path(piece: _Piece) -> str:
    name, *keys = piece
    for key in keys:
        plain = key.isidentifier() and len(key) <= _SHOWN
        name += f".{key}" if plain else f"[{key!r:.{_SHOWN}}]"
    return name
