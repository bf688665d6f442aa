"""Pages that begin where a turn begins."""

from collections.abc import Sequence

from holdfast import Adapter, Capability, Message, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.paging import joined_back, walk

TURNS = (("a", 0, 3), ("b", 0, 1), ("c", 0, 1), ("c", 1, 3), ("d", 0, 2), ("e", 0, 5))
FIRST = (1, 1, 1, 4, 5, 5, 5, 5, 9, 9, 11, 11, 11, 11, 11)  # by position: where its turn begins


async def fill(case: Case, adapter: Adapter, session_id: str = "s") -> list[Message]:
    """Turns of 3, 1, 4 (in two segments), 2 and 5 messages."""
    await adapter.sessions.save(Session(id=session_id))
    stored: list[Message] = []
    for turn_id, segment, count in TURNS:
        said = case.say(*(f"{turn_id}{segment}{number}" for number in range(count)))
        turn = Turn(id=turn_id, segment=segment, session_id=session_id, messages=said)
        stored += (await adapter.commit(turn)).messages
    return stored


def seqs(messages: Sequence[Message]) -> list[int | None]:
    return [message.seq for message in messages]


@clause(
    "paging.align",
    'With `align="turn"`, a page of the newest grows back to the beginning of its first turn, and no further.',
    level=Level.SMOKE,
)
async def grows(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    for size in range(1, 17):
        with case.about(f"last={size}"):
            page = await adapter.messages.find("s", last=size, align="turn")
            begins = FIRST[max(0, 15 - size)]
            case.same(list(page), stored[begins - 1 :], "the page")
            assert begins == 1 or page.next is not None, "there are older messages, but next is None"


@clause(
    "paging.align_walk",
    'Each page of a walk with `align="turn"` begins with a turn, whether it is repeated with the cursor or not.',
)
async def aligned_walk(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    for size in range(1, 17):
        with case.about(f"last={size}, left out with the cursor"):
            _check_pages(case, await walk(adapter, last=size, align="turn"), stored)
        with case.about(f"last={size}, repeated with the cursor"):
            page = await adapter.messages.find("s", last=size, align="turn")
            pages = [list(page)]
            while page.next is not None:
                page = await adapter.messages.find("s", cursor=page.next, last=size, align="turn")
                pages.append(list(page))
            _check_pages(case, pages, stored)


def _check_pages(case: Case, pages: Sequence[Sequence[Message]], stored: Sequence[Message]) -> None:
    case.same(joined_back(pages), list(stored), "the messages of the walk")
    begins = [page[0].seq or 0 for page in pages if page]
    case.same(begins, [FIRST[seq - 1] for seq in begins], "the positions with which the pages begin")


@clause("paging.align_tenant", "In a tenant, pages are aligned as well.", needs=[Capability.TENANTS])
async def in_a_tenant(case: Case) -> None:
    adapter = (await case.open()).for_tenant("t")
    stored = await fill(case, adapter)
    for size in (1, 3, 6, 9, 14):
        with case.about(f"last={size}"):
            page = await adapter.messages.find("s", last=size, align="turn")
            case.same(list(page), stored[FIRST[15 - size] - 1 :], "the page")
            _check_pages(case, await walk(adapter, last=size, align="turn"), stored)


@clause("paging.align_bounded", "A lower bound stops the growth of an aligned page.")
async def bounded(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for after, expected in ((9, [11, 12, 13, 14, 15]), (11, [12, 13, 14, 15]), (13, [14, 15])):
        with case.about(f"after={after}"):
            page = await adapter.messages.find("s", after=after, before=16, limit=2, align="turn")
            case.same(seqs(page.items), expected, "the page")
            rest = await walk(adapter, cursor=page.next) if page.next else []
            case.same(seqs(joined_back(rest)), [10] if after == 9 else [], "the rest of the walk")


@clause("paging.align_newer", "A walk to newer messages is not changed by `align`.")
async def to_newer(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    page = await adapter.messages.find("s", limit=2, align="turn")
    case.same(list(page), stored[:2], "the first page")
    rest = await adapter.messages.find("s", cursor=page.next, limit=2, align="turn")
    case.same(list(rest), stored[2:4], "the second page")
    page = await adapter.messages.find("s", after=11, limit=2, align="turn")
    case.same(list(page), stored[11:13], "a page behind 11")


@clause(
    "paging.align_holes",
    "A turn of which messages were removed is still one turn for `align`.",
    needs=[Capability.REMOVE],
)
async def over_holes(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    await adapter.messages.remove("s", after=11, through=13)
    page = await adapter.messages.find("s", last=1, align="turn")
    case.same(seqs(page.items), [11, 14, 15], "the newest turn")
    await adapter.messages.remove("s", after=4, through=5)
    page = await adapter.messages.find("s", before=9, limit=1, align="turn")
    case.same(seqs(page.items), [6, 7, 8], "the turn whose first message was removed")


@clause("paging.align_one_session", "An aligned page holds messages of its own session alone.")
async def one_session(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "ss"):
        await fill(case, adapter, name)
    await adapter.messages.append("s", case.say("x", "y"), turn_id="last")
    page = await adapter.messages.find("s", last=1, align="turn")
    case.same([message.id for message in page], ["x", "y"], "the newest turn")
    page = await adapter.messages.find("ss", last=1, align="turn")
    case.same([message.id for message in page], [f"e0{number}" for number in range(5)], "the newest turn of `ss`")


@clause("paging.align_long", "A long turn comes whole, also one that is longer than a page.")
async def long_turn(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    words = [f"w{number}" for number in range(1100)]
    step = min(350, adapter.limits.turn_messages)
    for segment, start in enumerate(range(0, len(words), step)):
        said = case.say(*words[start : start + step])
        await adapter.commit(Turn(id="long", segment=segment, session_id="s", messages=said))
        page = await adapter.messages.find("s", last=5, align="turn")
        case.same([message.id for message in page], words[: start + step], "the newest turn")
        before = await adapter.messages.find("s", cursor=page.next, align="turn")
        case.same(seqs(before.items), [11, 12, 13, 14, 15], "the page before it")
