"""The base of all models: nothing is converted silently, and what is refused gets an error of ours."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from holdfast.errors import InvalidArgument, UnserializableValue

__all__ = ["StrictModel", "assembled", "remade"]

_SCALARS = {str, bool, int, float, type(None)}
_EXACT = {*_SCALARS, dict, list, tuple}


class StrictModel(BaseModel):
    """A pydantic model that refuses what pydantic would convert, even in strict mode: subclasses, enums."""

    # Validators are built on first use: importing holdfast must cost little more than importing pydantic.
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    # How deep pydantic looks into a field, where that is not 1; below it values are kept as they are, and
    # checked when they are packed.
    typed_levels: ClassVar[Mapping[str, int]] = {}

    if not TYPE_CHECKING:  # type checkers read the fields; this is for people

        def __init__(self, /, **fields: Any) -> None:
            levels = _levels(type(self))
            for name, value in fields.items():
                if type(value) not in _SCALARS:
                    _check_exact(value, name, levels.get(name, 0))
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise _refusal(type(self).__name__, error) from error


M = TypeVar("M", bound=BaseModel)


def remade(model: M) -> M:
    """The same model, checked again: ``model_copy(update=…)`` and ``model_construct`` check nothing.

    Raises:
        InvalidArgument: A field was changed to something that it cannot be.
    """
    return type(model)(**{**model.__dict__, **(model.__pydantic_extra__ or {})})


def assembled(model: type[M], fields: dict[str, Any], said: set[str]) -> M:
    """A model of values that were checked before; all of its fields are given.

    It is ``model_construct`` without the search for aliases and defaults, which costs more than all the rest of
    reading a message. The four attributes are those that pydantic documents on ``BaseModel``.

    Args:
        model: Its kind.
        fields: All of its fields; the model keeps this very dict.
        said: Those that have not just their defaults (``model_fields_set``).
    """
    made = model.__new__(model)
    set_attribute = object.__setattr__
    set_attribute(made, "__dict__", fields)
    set_attribute(made, "__pydantic_fields_set__", said)
    set_attribute(made, "__pydantic_extra__", None)
    set_attribute(made, "__pydantic_private__", None)
    return made


@cache
def _levels(model: type[StrictModel]) -> dict[str, int]:
    return {name: model.typed_levels.get(name, 1) for name in model.model_fields}


def _check_exact(value: Any, path: str, levels: int) -> None:
    kind: type = type(value)
    if not levels or kind in _SCALARS:
        return
    if kind not in _EXACT:
        if isinstance(value, str | int | float | dict | list | tuple):
            raise UnserializableValue(path, f"{kind.__qualname__} would change its type")
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise UnserializableValue(path, f"a key is {type(key).__name__}, not str")
            if levels > 1:
                _check_exact(item, f"{path}.{key:.64}", levels - 1)
    elif kind in {list, tuple}:
        for index, item in enumerate(value if levels > 1 else ()):
            _check_exact(item, f"{path}[{index}]", levels - 1)


def _refusal(model: str, error: ValidationError) -> InvalidArgument:
    # A union reports each of its branches; the deepest is the one that was meant.
    worst = max(error.errors(include_url=False, include_context=False), key=lambda one: len(one["loc"]))
    path = ".".join(str(step) for step in worst["loc"] if step not in _UNION_STEPS)
    return InvalidArgument(f"{model}.{path}: {worst['msg']} (found {type(worst['input']).__name__}).")


_UNION_STEPS = {"str", "list[tagged-union]"}
