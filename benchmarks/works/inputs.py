"""What the tasks say and keep: the same for every contender, made before the clock runs."""

from benchmarks.contender import Said, State

__all__ = ["TASKS", "exchange", "names", "remark", "state"]

TASKS = 64
"""How many run side by side."""

_WORDS = "The quick brown fox jumps over the lazy dog, and nobody minds. " * 3  # a remark has some 200 characters
_NOTES = {f"note_{number}": _WORDS[:90] for number in range(38)}  # some 4 KB of JSON


def names(count: int) -> list[str]:
    """Ids of so many sessions."""
    return [f"session-{number}" for number in range(count)]


def remark(task: int, number: int) -> list[Said]:
    """One message of a task, unlike any other."""
    return [{"role": "user", "content": f"{task}-{number} {_WORDS}"}]


def exchange(task: int, number: int) -> list[Said]:
    """A question and its answer, unlike any other."""
    said = f"{task}-{number} {_WORDS}"
    return [{"role": "user", "content": f"Q {said}"}, {"role": "assistant", "content": f"A {said}"}]


def state(number: int) -> State:
    """What a task has noted after so many turns."""
    return {"turns": number, **_NOTES}
