"""The base of all models: nothing is converted silently, and what is refused gets an error of ours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from holdfast.errors import InvalidArgument, UnserializableValue

__all__ = ["StrictModel"]

_EXACT = {str, bool, int, float, dict, list, tuple}


class StrictModel(BaseModel):
    """A pydantic model that refuses what pydantic would convert, even in strict mode: subclasses, enums."""

    # Validators are built on first use: importing holdfast must cost little more than importing pydantic.
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    # How deep pydantic looks into a field, where that is not 1; below it values are kept as they are, and
    # checked when they are packed.
    typed_levels: ClassVar[Mapping[str, int]] = {}

    if not TYPE_CHECKING:  # type checkers read the fields; this is for people

        def __init__(self, /, **fields: Any) -> None:
            for name, value in fields.items():
                known = name in type(self).model_fields
                _check_exact(value, name, self.typed_levels.get(name, 1) if known else 0)
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise _refusal(type(self).__name__, error) from error


def _check_exact(value: Any, path: str, levels: int) -> None:
    kind: type = type(value)
    if not levels or kind is str:
        return
    if kind not in _EXACT:
        if isinstance(value, str | int | float | dict | list | tuple):
            raise UnserializableValue(path, f"{kind.__qualname__} would change its type")
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise UnserializableValue(path, f"a key is {type(key).__name__}, not str")
            _check_exact(item, f"{path}.{key:.64}", levels - 1)
    elif kind in {list, tuple}:
        for index, item in enumerate(value):
            _check_exact(item, f"{path}[{index}]", levels - 1)


def _refusal(model: str, error: ValidationError) -> InvalidArgument:
    # A union reports each of its branches; the deepest is the one that was meant.
    worst = max(error.errors(include_url=False, include_context=False), key=lambda one: len(one["loc"]))
    path = ".".join(str(step) for step in worst["loc"] if step not in _UNION_STEPS)
    return InvalidArgument(f"{model}.{path}: {worst['msg']} (found {type(worst['input']).__name__}).")


_UNION_STEPS = {"str", "list[tagged-union]"}
