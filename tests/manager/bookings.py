"""Types of data, for the tests of typed data."""

import enum
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator, model_validator
from typing_extensions import TypedDict

SECRET = "Jane Doe, 4111 1111"


class Colour(enum.Enum):
    RED = "red"
    GREEN = 2


class Seat(BaseModel):
    row: int
    note: str | None = None


class Booking(BaseModel):
    """A model with everything in it, and no required field."""

    name: str = ""
    seats: list[Seat] = []
    colour: Colour = Colour.RED
    at: datetime | None = None
    day: date | None = None
    takes: timedelta = timedelta(0)
    price: Decimal = Decimal(0)
    ref: UUID | None = None
    tags: set[str] = set()
    photo: bytes = b""
    pair: tuple[int, str] = (0, "")
    counts: dict[int, float] = {}
    anything: Any = None
    first_name: str = Field("", alias="firstName")


class Needs(BaseModel):
    name: str
    age: int = 0


@dataclass
class Order:
    name: str = ""
    seats: list[Seat] = field(default_factory=list)
    at: datetime | None = None


class Profile(TypedDict, total=False):
    name: str
    at: datetime
    tags: set[str]


class Checked(BaseModel):
    name: str = ""
    age: int = 0
    start: int = 0
    end: int = 10
    seats: list[Seat] = []
    kind: Literal["a", "b"] = "a"

    @field_validator("name")
    @classmethod
    def _no_secret(cls, name):
        if name == SECRET:
            raise ValueError(f"{name} is not allowed")
        return name

    @model_validator(mode="after")
    def _in_order(self):
        assert self.start <= self.end, f"{self.name}: {self.start} is behind {self.end}"
        return self
