"""Lines that no export has written are refused, and nothing of them is stored."""

import json
import random

import pytest
from tests.manager.exports import SECRET, exported, fill, message, resealed, said

from holdfast import InvalidArgument, Limits, Session, SessionQuery, Turn
from holdfast.manager.upkeep.importing import import_user
from holdfast.manager.upkeep.incoming import incoming_sessions
from holdfast_memory import MemoryAdapter

# --- lines that are not right --------------------------------------------------------------------


async def test_a_truncated_export_is_refused_and_the_whole_one_still_goes_in(source, target):
    await fill(source)
    lines = await exported(source)
    for count in range(len(lines)):
        with pytest.raises(InvalidArgument, match=f"Line {count + 1} is missing"):
            await import_user(target, lines[:count])
        begun = sum('"session":' in line for line in lines[:count])
        there = await target.sessions.find(SessionQuery(nested=True))
        assert len(there) == max(begun - 1, 0)  # the last one might lack messages
    await import_user(target, lines)
    assert said(await exported(target)) == said(lines)


async def test_a_line_that_is_left_out_or_put_in_twice_is_named(source, target):
    await fill(source)
    lines = await exported(source)
    for number in range(len(lines)):
        without, twice = lines[:number] + lines[number + 1 :], lines[: number + 1] + lines[number:]
        for wrong, named in ((without, number + 1), (twice, number + 2)):
            with pytest.raises(InvalidArgument, match=f"Line {named} is "):
                await import_user(target, wrong)


async def test_a_flipped_character_is_found_in_its_line_and_nothing_of_it_is_stored(source, target):
    await fill(source)
    lines = await exported(source)
    for number, line in enumerate(lines):
        place = random.Random(number).randrange(len(line))
        flipped = line[:place] + chr(ord(line[place]) ^ 1) + line[place + 1 :]
        with pytest.raises(InvalidArgument, match=f"Line {number + 1} is not") as caught:
            await import_user(target, [*lines[:number], flipped, *lines[number + 1 :]])
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__
    await import_user(target, lines)
    assert said(await exported(target)) == said(lines)


async def test_a_flipped_character_is_found_wherever_it_is(source):
    await fill(source)
    lines = await exported(source)
    for number, line in enumerate(lines):
        for place in range(0, len(line), 5):
            flipped = line[:place] + chr(ord(line[place]) ^ (1 << place % 7)) + line[place + 1 :]
            reading = incoming_sessions([*lines[:number], flipped, *lines[number + 1 :]], Limits(), None)
            with pytest.raises(InvalidArgument, match=f"Line {number + 1} is not"):
                [_ async for _ in reading]


@pytest.mark.parametrize(
    "header",
    [
        "{",
        "[]",
        "7",
        "{}",
        '{"holdfast": "export", "format": 2, "user_id": "u"}',
        '{"holdfast": "export", "format": "1", "user_id": "u"}',
        '{"holdfast": "export", "user_id": "u"}',
        '{"holdfast": "import", "format": 1, "user_id": "u"}',
        "[" * 100_000,
        *resealed([{"holdfast": "import", "format": 1, "user_id": "u"}]),
        *resealed([{"holdfast": "export", "format": 1}]),
        *resealed([{"holdfast": "export", "format": 1, "user_id": "a\nb"}]),
        *resealed([{"holdfast": "export", "format": 1, "user_id": ["u"]}]),
    ],
)
async def test_the_header_is_checked_before_anything_is_sent(header):
    with pytest.raises(InvalidArgument, match="Line 1 is not"):  # and not AdapterClosed
        await import_user(MemoryAdapter(), [header])


async def test_a_newer_format_is_named(target):
    with pytest.raises(InvalidArgument, match=r"Line 1 .*update holdfast"):
        await import_user(target, ['{"holdfast": "export", "format": 2}'])


def recount(trees):
    kinds = [key for tree in trees for key in ("session", "message") if key in tree]
    trees[-1]["end"] = {"sessions": kinds.count("session"), "messages": kinds.count("message")}


def change_message(**fields):
    return lambda trees: trees[2]["message"].update(fields)


def change_session(**fields):
    return lambda trees: trees[1]["session"].update(fields)


FORGED = {
    "message id": change_message(id="a\nb"),
    "message id of another kind": change_message(id=7),
    "role": change_message(role=""),
    "no turn": lambda trees: trees[2]["message"].pop("turn_id"),
    "turn": change_message(turn_id="\x00"),
    "segment": change_message(segment=-1),
    "segment of another kind": change_message(segment=True),
    "time without a zone": change_message(created_at="2026-01-01T12:00:00"),
    "no time": change_message(created_at=SECRET),
    "time as a number": change_message(created_at=5),
    "unknown field of a message": change_message(content=SECRET),
    "body": lambda trees: trees[2].update(body=[SECRET]),
    "body with an unknown field": lambda trees: trees[2].update(body={SECRET: 1}),
    "body with an unknown tag": lambda trees: trees[2].update(body={"metadata": {"a": {"$secret": SECRET}}}),
    "parts": lambda trees: trees[2].update(body={"content": [{"type": "text"}]}),
    "a message twice": lambda trees: trees.insert(3, trees[2]),
    "session id": change_session(id="\n"),
    "no session id": lambda trees: trees[1]["session"].pop("id"),
    "another user's": change_session(user_id="v"),
    "version": change_session(version=3),
    "status": change_session(status=7),
    "state": lambda trees: trees[1].update(state={"data": [SECRET]}),
    "unknown state": lambda trees: trees[1].update(state={SECRET: 1}),
    "no state": lambda trees: trees[1].pop("state"),
    "session of another kind": lambda trees: trees[1].update(session=[1]),
    "no kind": lambda trees: trees.insert(3, {SECRET: 1}),
    "message without a session": lambda trees: trees.insert(1, trees[2]),
    "counts": lambda trees: trees[-1].update(end={"sessions": 1, "messages": 2}),
    "a line behind the footer": lambda trees: trees.append({"end": {"sessions": 1, "messages": 1}}),
    "footer behind the footer": lambda trees: trees.append(trees[-1]),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_line_that_no_export_writes_is_refused_even_if_its_digest_is_right(source, target, forge):
    session = Session(id="s", user_id="u", data={"a": SECRET})
    await source.commit(Turn(session_id="s", session=session, messages=[message("m", SECRET)]))
    trees = [json.loads(line) for line in await exported(source)]
    forge(trees)
    if forge != FORGED["counts"]:
        recount(trees)
    with pytest.raises(InvalidArgument, match=r"Line \d is not what an export has written") as caught:
        await import_user(target, resealed(trees))
    assert SECRET not in str(caught.value)
    behind = forge in (FORGED["a line behind the footer"], FORGED["footer behind the footer"])
    assert len(await target.sessions.find(SessionQuery())) == behind
