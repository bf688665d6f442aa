"""Changing the JSON of a body: what databases do that look into what they store."""

import json
from collections.abc import Callable
from typing import Any

__all__ = ["each_key", "each_value"]


def _mapped(tree: Any, value: Callable[[Any], Any], key: Callable[[str], str]) -> Any:
    if isinstance(tree, dict):
        return value({key(name): _mapped(item, value, key) for name, item in tree.items()})
    if isinstance(tree, list):
        return value([_mapped(item, value, key) for item in tree])
    return value(tree)


def each_value(body: str, value: Callable[[Any], Any]) -> str:
    """A body with each value changed, containers after what is in them."""
    return json.dumps(_mapped(json.loads(body), value, lambda key: key))


def each_key(body: str, key: Callable[[str], str]) -> str:
    """A body with each key changed."""
    return json.dumps(_mapped(json.loads(body), lambda value: value, key))
