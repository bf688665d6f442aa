"""Pouring: other values into an object that somebody holds on to, so that he changes what is stored."""

from typing import Any

from pydantic import BaseModel

__all__ = ["poured"]

_PARTS_OF_A_MODEL = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


def poured(fresh: Any, into: Any) -> Any:
    """``into``, holding what ``fresh`` holds; or ``fresh``, where the old object must not be changed."""
    if type(into) is not type(fresh) or _frozen(into):
        return fresh
    if isinstance(into, dict):
        values = dict(fresh)
        into.clear()
        into.update(values)
    elif isinstance(into, BaseModel):
        for part in _PARTS_OF_A_MODEL:  # those that pydantic documents on BaseModel
            object.__setattr__(into, part, getattr(fresh, part))
    elif hasattr(into, "__dict__"):
        into.__dict__ = fresh.__dict__
    else:
        return fresh
    return into


def _frozen(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return bool(value.model_config.get("frozen"))
    return bool(getattr(getattr(value, "__dataclass_params__", None), "frozen", False))
