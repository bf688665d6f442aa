"""What a writer does to sessions, by chance: turns of all kinds, changes outside of turns, updates."""

from functools import partial

from tests.manager.writers import REFUSED, log

from holdfast import InvalidArgument, NotFound, VersionConflict

__all__ = ["chat", "do_again"]

_UPDATES = "log updates"
_SHARED = "log"


class GivenUp(Exception):
    """A turn that its own program gives up."""


async def take_turn(writer, session, sizes, key, turn_id=None):
    """A turn with a checkpoint behind each step but the last."""
    fixed, names = turn_id or writer.new(), []
    if turn_id:
        writer.note(do="request", turn=turn_id, at=session.id, sizes=sizes, key=key)
        writer.requests.append(turn_id)
    turn = session.turn(turn_id)
    try:
        async with turn:
            for number, size in enumerate(sizes):
                if number:
                    await writer.checkpoint(turn, names)
                names.append(f"{fixed}.{number}")
                writer.say(session, turn, names[-1], size, key)
    except REFUSED:
        await writer.settle(turn, names)
    writer.ended(names)


async def break_off(writer, session, key):
    """A turn that gives up: what came behind its checkpoint must never be there."""
    names = []
    fixed = writer.new()
    try:
        async with session.turn() as turn:
            names.append(f"{fixed}.0")
            writer.say(session, turn, names[0], 2, key)
            if writer.chance.random() < 0.5:
                await turn.checkpoint()
                writer.note(do="ack", steps=names)
                names = [f"{fixed}.1"]
                writer.say(session, turn, names[0], 1, key)
            raise GivenUp  # noqa: TRY301 - as a program does
    except GivenUp:
        pass
    except VersionConflict:
        if not writer.at_once:
            await writer.without_state(session)
    writer.note(do="dropped", steps=names)


async def answer_again(writer, session, key):
    """Another answer in the place of this writer's own last one."""
    names, turn = [], session.regenerate()
    try:
        async with turn:
            if not turn.replaced[0].id.startswith(f"{writer.name}-"):
                raise GivenUp  # noqa: TRY301 - as a program does
            writer.note(do="answered", turn=turn.replaced[0].turn_id)  # it was there, and is not asked for again
            names.append(writer.new())
            writer.say(session, turn, names[0], 1, key)
    except (GivenUp, NotFound):
        return  # the last turn is another's, or nothing is stored yet
    except InvalidArgument as error:
        if not any(reason in str(error) for reason in ("no turn to regenerate", "in the middle of the last turn")):
            raise
        return
    except VersionConflict:
        if writer.at_once:
            writer.note(do="dropped", steps=names)  # somebody has appended: its place is not the last any more
            return
        await writer.settle(turn, names)
    writer.ended(names)


async def change_outside(writer, session, key):
    """A change outside a turn."""
    name = writer.new()
    writer.begin(name, session.id, key=key)
    log(session.data, key, name)
    writer.pending.append(name)
    if writer.behind and writer.chance.random() < 0.5:
        session.touch()
    else:
        await writer.flush(session)


async def update(writer, session):
    """A change that is made again until it is in; the handle is behind afterwards."""
    name = writer.new()
    writer.begin(name, session.id, key=_UPDATES)
    try:
        await writer.manager.update(session.id, lambda live: log(live.data, _UPDATES, name))
    except NotFound:  # it is not stored yet
        writer.note(do="dropped", steps=[name])
    else:
        writer.note(do="ack", steps=[name])


def anything(writer, *, again):
    """One of all that can be done, in a session where an answer may be given again, or not."""
    key = writer.chance.choice([_SHARED, f"log {writer.name}", f"log {writer.name}", None])
    sizes = writer.chance.choice([[1], [2], [3], [1, 2], [2, 1, 1]])
    asked = writer.new() if writer.chance.random() < 0.5 else None
    turns = [partial(take_turn, writer, sizes=sizes, key=key, turn_id=asked)] * 5
    others = [
        partial(break_off, writer, key=key),
        partial(change_outside, writer, key=key or _SHARED),
        partial(update, writer),
        writer.flush,
    ]
    return writer.chance.choice([*turns, *others, *[partial(answer_again, writer, key=key)] * again])


async def chat(writer, shared, own):
    """A visit to some session. With turns that wait, others may append before an answer that is given again."""
    session_id = writer.chance.choice([shared, own])
    again = session_id == own or writer.at_once
    await writer.visit(session_id, [anything(writer, again=again) for _ in range(writer.chance.randrange(1, 5))])


async def do_again(writer, requests):
    """What was asked for in an earlier life, and not answered."""
    for asked in requests:
        same = partial(take_turn, writer, sizes=asked["sizes"], key=asked["key"], turn_id=asked["turn"])
        await writer.visit(asked["at"], [same])
