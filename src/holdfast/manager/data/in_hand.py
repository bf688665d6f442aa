"""Data in the hand: what the user of a session changes in place, beside the plain values that are stored."""

from typing import Any, Generic, Protocol, cast

from holdfast.manager.data.data_type import D, DataType
from holdfast.models import Session

__all__ = ["InHand", "in_hand"]


class InHand(Protocol[D]):
    """The data of one session that is held."""

    @property
    def value(self) -> D:
        """As its user knows it."""
        ...

    @value.setter
    def value(self, value: D) -> None: ...

    def merge(self, changes: dict[str, Any]) -> None:
        """Set top-level keys of the plain data.

        Raises:
            InvalidArgument: They do not fit the data type.
        """
        ...

    def to_session(self) -> None:
        """Give the session the plain form of what is in the hand.

        Raises:
            InvalidArgument: It cannot be stored.
        """
        ...

    def of_session(self) -> D:
        """What the session's plain data is in the hand.

        Raises:
            InvalidData: It does not fit the data type.
        """
        ...


def in_hand(kind: DataType[D] | None, session: Session) -> InHand[D]:
    """The data of a session, typed or plain.

    Raises:
        InvalidData: It does not fit the data type.
    """
    if kind is None:
        return cast("InHand[D]", _Plain(session))
    return _Typed(kind, session)


class _Plain:
    """A plain dictionary: there is only one, the session's own, which its user may replace in either place."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def value(self) -> dict[str, Any]:
        return self._session.data

    @value.setter
    def value(self, value: dict[str, Any]) -> None:
        self._session.data = value

    def merge(self, changes: dict[str, Any]) -> None:
        self._session.data.update(changes)

    def to_session(self) -> None:
        pass  # it is there

    def of_session(self) -> dict[str, Any]:
        return self._session.data


class _Typed(Generic[D]):
    """An object of the user's type: the session has its plain form as of the last snapshot."""

    def __init__(self, kind: DataType[D], session: Session) -> None:
        self._kind = kind
        self._session = session
        self._value = self.of_session()

    @property
    def value(self) -> D:
        return self._value

    @value.setter
    def value(self, value: D) -> None:
        self._value = self._kind.taken(value)

    def merge(self, changes: dict[str, Any]) -> None:
        self._value = self._kind.merged(self._value, changes)

    def to_session(self) -> None:
        self._session.data = self._kind.plain(self._value)

    def of_session(self) -> D:
        return self._kind.read(self._session)
