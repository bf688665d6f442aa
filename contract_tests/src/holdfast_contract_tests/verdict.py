"""How a clause can end."""

from enum import StrEnum

__all__ = ["ContractError", "NotRun", "Unanswered", "Unsupported", "Verdict"]


class Verdict(StrEnum):
    """The verdict of one clause on one adapter."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    UNSUPPORTED = "UNSUPPORTED"
    """The adapter declares that it does not offer this; that it then refuses, as it must, was seen."""
    NOT_RUN = "NOT_RUN"
    """Nothing is known; the reason says why."""


class ContractError(AssertionError):
    """The adapter broke the contract."""


class Unanswered(ContractError):
    """A call gave no answer in time."""


class NotRun(Exception):
    """The clause cannot be run here."""


class Unsupported(Exception):
    """The clause does not apply to this adapter."""
