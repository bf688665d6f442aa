"""All works, with their bars."""

from benchmarks.works.reading import load_many, newest, sessions, whole_history
from benchmarks.works.work import FLAT, Bar, Job, Work
from benchmarks.works.writing import append_lone, append_many, append_one_session, save_many, turn_many

__all__ = ["FLAT", "WORKS", "Bar", "Job", "Work"]


def _speed(straight: float | None = None, coalesced: float | None = None) -> tuple[Bar, ...]:
    limits = {"straight": straight, "coalesced": coalesced}
    return tuple(Bar(rival, limit, speed=True) for rival, limit in limits.items() if limit is not None)


def _time(straight: float, flat: float | None = None) -> tuple[Bar, ...]:
    limits = {"straight": straight, FLAT: flat}
    return tuple(Bar(rival, limit, speed=False) for rival, limit in limits.items() if limit is not None)


WORKS = (
    Work("append-64", append_many, 100, _speed(10, 0.8), parallel=True),
    Work("append-64-one-session", append_one_session, 100, _speed(10, 0.8), parallel=True),
    Work("turn-64", turn_many, 50, _speed(5, 0.8), parallel=True),
    Work("append-lone", append_lone, 300, _time(1.3, 1.3), (10, 1000, 10_000), "{name} after {size:,}"),
    Work("newest-20", newest, 300, _time(1.3, 1.3), (100, 10_000), "{name} of {size:,}"),
    Work("whole-1000", whole_history, 30, _time(1.6), (1000,)),
    Work("save-64", save_many, 50, _speed(coalesced=0.8), parallel=True),
    Work("load-64", load_many, 200, _speed(coalesced=0.8), parallel=True),
    Work("sessions-20", sessions, 300, _time(1.3, 1.3), (100, 10_000), "{name} of {size:,}"),
)
