"""Typed data: the user's own model in the hand, plain values in the store."""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, get_origin

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json
from typing_extensions import TypeVar, is_typeddict

from holdfast.errors import ConfigurationError, InvalidArgument, InvalidData
from holdfast.manager.data.trees import Unfit, lost_key, ordered, unfit
from holdfast.models import Session
from holdfast.values import canonical

__all__ = ["D", "DataType"]

D = TypeVar("D", default=dict[str, Any])


class DataType(Generic[D]):
    """A type for sessions' data: a pydantic model, a dataclass, or anything else that pydantic knows.

    It is stored as JSON values, under the names that it is validated from, so that every program can read it.
    """

    def __init__(self, kind: type[D], factory: Callable[[], D] | None = None) -> None:
        """Check the type.

        Args:
            kind: The type.
            factory: Makes the data of a new session; the type itself, if it needs no arguments.

        Raises:
            ConfigurationError: pydantic knows no such type; or it has required fields, and no factory is given;
                or what the factory makes cannot be stored.
        """
        try:
            self._adapter: TypeAdapter[D] = TypeAdapter(kind)
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise ConfigurationError(f"data_type: pydantic knows no {kind!r}.") from error
        self._class = None if is_typeddict(kind) or get_origin(kind) else kind
        self._factory = factory or kind
        try:
            self.fresh()
        except (ValidationError, TypeError, InvalidArgument) as error:
            raise ConfigurationError(
                "The data of a new session cannot be made, or not be stored. A data_type with required fields "
                "needs data_factory=."
            ) from error

    def fresh(self) -> dict[str, Any]:
        """The plain data of a new session."""
        return self.plain(self._factory())

    def read(self, session: Session) -> D:
        """The data of a loaded session.

        Raises:
            InvalidData: It does not fit.
        """
        try:
            return self._validated(session.data)
        except Unfit as error:
            raise InvalidData(error.path, error.why, session_id=session.id) from None

    def made(self, plain: dict[str, Any]) -> D:
        """The data of plain values.

        Raises:
            InvalidArgument: They do not fit.
        """
        try:
            return self._validated(plain)
        except Unfit as error:
            raise InvalidArgument(f"{error.path}: {error.why}") from None

    def merged(self, data: D, changes: dict[str, Any]) -> D:
        """The data with other plain values at the top level.

        Raises:
            InvalidArgument: They do not fit, or the type has no such keys.
        """
        made = self.made({**self.plain(data), **changes})
        lost = changes.keys() - self.plain(made).keys()
        if lost:
            raise InvalidArgument(f"data: the type has no {', '.join(map(repr, sorted(lost)))}.")
        return made

    def taken(self, data: D) -> D:
        """The same data, if it is of this type.

        Raises:
            InvalidArgument: It is not.
        """
        if self._class is not None and not isinstance(data, self._class):
            raise InvalidArgument(f"data is {type(data).__name__}, not {self._class.__name__}.")
        return data

    def plain(self, data: D) -> dict[str, Any]:
        """The data as plain values, proved to come back as it is.

        Raises:
            InvalidArgument: Something was set to a value that it cannot have, has no JSON form, or would not
                come back.
        """
        try:
            plain = self._dumped(self.taken(data))
            again = self._dumped(self._validated(plain))
        except Unfit as error:
            raise InvalidArgument(f"{error.path}: {error.why}") from None
        if type(plain) is not dict:
            raise InvalidArgument(f"data: its JSON form is {type(plain).__name__}, not an object.")
        if canonical(again) != canonical(plain):
            raise InvalidArgument("data: something in it would not come back; see the aliases of its type.")
        return plain

    def _dumped(self, data: D) -> Any:
        dump = partial(self._adapter.dump_python, data, by_alias=True, round_trip=True, warnings=False)
        try:
            plain = dump(mode="json")
            lost = lost_key(plain, dump(mode="json", serialize_as_any=True))
            as_python = dump(mode="python")
        except (PydanticSerializationError, ValueError) as error:
            raise Unfit("data", f"it has no JSON form ({type(error).__name__}).") from None
        if lost is not None:
            raise Unfit(lost, "the type has no such key.")
        return ordered(plain, as_python)

    def _validated(self, plain: Any) -> D:
        # By way of JSON: there strict models too take a date from a string, and what an untyped program has
        # stored as a date is one as well.
        try:
            return self._adapter.validate_json(to_json(plain, inf_nan_mode="constants"))
        except ValidationError as error:
            raise unfit(error) from None
        except (PydanticSerializationError, ValueError) as error:
            raise Unfit("data", f"it has no JSON form ({type(error).__name__}).") from None
