"""Walks over messages while others write, and over more than a thousand."""

from collections.abc import Sequence

from hypothesis import strategies as st

from holdfast import Adapter, Capability, Message, Page, Session, Turn
from holdfast.ids import new_id
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.clauses.paging import Asked, check_sizes, fill, joined, joined_back, walk
from holdfast_contract_tests.reading import all_messages


@clause(
    "paging.while_appending",
    "A walk is not moved by what others append: it meets each message once.",
    level=Level.SMOKE,
)
async def while_appending(case: Case) -> None:
    one, other = await case.handles(2)
    stored = await fill(case, one)
    back, there = await one.messages.find("s", last=5), await one.messages.find("s", limit=5)
    stored += await other.messages.append("s", case.say("x", "y", "z"))
    older = await one.messages.find("s", cursor=back.next)
    case.same(list(older), stored[2:7], "the second page to older ones, after three were appended")
    newer = await one.messages.find("s", cursor=there.next)
    case.same(list(newer), stored[5:10], "the second page to newer ones, after three were appended")
    stored += await other.messages.append("s", case.say("w"))
    case.same(joined_back(await walk(one, cursor=older.next)), stored[:2], "the rest of the walk to older ones")
    case.same(joined(await walk(one, cursor=newer.next)), stored[10:], "the rest of the walk to newer ones")


@clause(
    "paging.while_removing",
    "A walk is not moved by what others remove: nothing that stays is left out or met twice.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def while_removing(case: Case) -> None:
    one, other = await case.handles(2)
    stored = await fill(case, one)
    there, back = await one.messages.find("s", limit=4), await one.messages.find("s", last=4)
    await other.messages.remove("s", after=0, through=3)
    await other.messages.remove("s", after=10, through=12)
    case.same(list(await one.messages.find("s", cursor=there.next)), stored[4:8], "the second page to newer ones")
    case.same(list(await one.messages.find("s", cursor=back.next)), stored[4:8], "the second page to older ones")
    await other.messages.remove("s", after=3, through=9)
    case.same(joined(await walk(one, cursor=there.next)), stored[9:10], "the rest of the walk to newer ones")
    case.same(joined_back(await walk(one, cursor=back.next)), [], "the rest of the walk to older ones")


Change = tuple[str, int]
CHANGES = st.lists(st.tuples(st.sampled_from(["append", "remove", "pass"]), st.integers(0, 40)), max_size=12)


@clause(
    "paging.stable",
    "Whatever others append and remove, a walk meets what stays once, and in order.",
    needs=[Capability.REMOVE],
)
def stable(case: Case) -> None:
    adapter = case.run(case.open())

    @case.given(case.size(20, 40, 300), changes=CHANGES, size=st.integers(1, 5), newest=st.booleans())
    def holds(changes: list[Change], size: int, newest: bool) -> None:  # noqa: FBT001 - hypothesis names it
        case.run(_walk_among(case, adapter, changes, {"last" if newest else "limit": size}))

    holds()


async def _walk_among(case: Case, adapter: Adapter, changes: Sequence[Change], first: Asked) -> None:
    name = new_id()
    await fill(case, adapter, name, 10)
    stays, last = set(range(1, 11)), 10
    page = await adapter.messages.find(name, **first)
    pages = [page]
    for kind, number in [*changes, *[("pass", 0)] * 40]:
        if kind == "append":
            await adapter.messages.append(name, case.say(f"new{last}"))
            last += 1
        elif kind == "remove":
            through = number % last + 1
            await adapter.messages.remove(name, after=max(0, through - 3), through=through)
            stays -= set(range(through - 2, through + 1))
        if page.next is None:
            break
        page = await adapter.messages.find(name, cursor=page.next)
        pages.append(page)
    case.same(page.next, None, "the cursor after 40 more pages")
    _check_met(case, pages, stays, newest="last" in first)


def _check_met(case: Case, pages: Sequence[Page[Message]], stays: set[int], *, newest: bool) -> None:
    met = [message.seq or 0 for page in (reversed(pages) if newest else pages) for message in page]
    case.same(met, sorted(set(met)), "the positions that the walk met: each once, in order")
    assert stays <= set(met), (
        f"the walk left out positions {sorted(stays - set(met))}, which were there all the time"
    )


# --- large sessions -------------------------------------------------------------------------------


@clause(
    "paging.over_a_thousand",
    "A session of more than a thousand messages is read whole, in both directions and with any size of page.",
)
async def over_a_thousand(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter, count=2100)
    for size in {adapter.limits.page, 999, 300}:
        if size > adapter.limits.page:
            continue
        with case.about(f"pages of {size}"):
            there, back = await walk(adapter, limit=size), await walk(adapter, last=size)
            case.same(joined(there), stored, "the walk to newer messages")
            case.same(joined_back(back), stored, "the walk to older messages")
            case.same(back[0], stored[-size:], "the newest page")
            check_sizes([*there, *back], size)
    size = min(300, adapter.limits.page)
    page = await adapter.messages.find("s", after=998, before=1203, limit=size)
    case.same(list(page), stored[998:1202][-size:], "the newest messages between 998 and 1203")
    case.same(await adapter.messages.get("s", "m2001"), stored[2000], "message 2001 by its id")
    session = await load(adapter)
    case.same((session.message_count, session.last_seq), (2100, 2100), "message_count and last_seq")


@clause(
    "paging.over_ten_thousand",
    "A session of more than ten thousand messages is read whole, in both directions.",
    level=Level.THOROUGH,
)
async def over_ten_thousand(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter, count=10_600)
    case.same(joined(await walk(adapter, limit=adapter.limits.page)), stored, "the walk to newer messages")
    case.same(joined_back(await walk(adapter, last=adapter.limits.page)), stored, "the walk to older messages")
    page = await adapter.messages.find("s", after=9_998, limit=5)
    case.same(list(page), stored[9_998:10_003], "the messages behind 9,998")


@clause("paging.heavy", "Large messages are read whole, however many make a page.")
async def heavy(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    size = min(1_500_000, adapter.limits.message_bytes // 2)
    stored: list[Message] = []
    for word in "abcdefghijkl":
        said = case.say(word, content=word * size)
        stored += await adapter.messages.append("s", said)
    asked: list[Asked] = [{"limit": min(100, adapter.limits.page)}, {"last": min(100, adapter.limits.page)}]
    for first in asked:
        with case.about(f"{first}, messages of {size:,} letters"):
            pages = await walk(adapter, **first)
            met = joined(pages) if "limit" in first else joined_back(pages)
            case.same([message.id for message in met], [message.id for message in stored], "the messages")
            case.same([message.text == message.id * size for message in met], [True] * 12, "whether each is whole")


@clause(
    "removal.over_a_thousand",
    "A removal takes more than a thousand messages in one call, and leaves what is beside them.",
    needs=[Capability.REMOVE],
)
async def removes_over_a_thousand(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter, count=2100)
    case.same(await adapter.messages.remove("s", after=5, through=2095), 2090, "how many were removed")
    left = [*stored[:5], *stored[2095:]]
    case.same(list(await adapter.messages.find("s")), left, "the messages that are left")
    session = await load(adapter)
    case.same((session.message_count, session.last_seq), (10, 2100), "message_count and last_seq")
    [told] = await adapter.messages.append("s", case.say("m1000"))
    case.same(told.seq, 2101, "the position of an id that was removed")


@clause(
    "removal.over_a_thousand_in_a_turn",
    "A turn with messages and a state removes more than a thousand, and leaves what is beside them.",
    needs=[Capability.REMOVE],
)
async def turn_removes_over_a_thousand(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter, count=1100)
    session = await load(adapter)
    session.data = {"a": 1}
    turn = Turn(session_id="s", session=session, remove=(5, 1095), messages=case.say("new", "m600"))
    done = await adapter.commit(turn)
    told = (done.removed, done.session.message_count, done.session.last_seq)
    case.same(told, (1090, 12, 1102), "removed, message_count and last_seq")
    left = [*stored[:5], *stored[1095:], *done.messages]
    case.same(list(await all_messages(adapter, "s")), left, "the messages that are left")
    after = await load(adapter)
    found = (after.data, after.version, after.message_count, after.last_seq)
    case.same(found, ({"a": 1}, 2, 12, 1102), "data, version, message_count and last_seq")


@clause(
    "removal.deletes_over_a_thousand",
    "Deleting a session of more than a thousand messages leaves none of them, not even for `sweep`.",
)
async def deletes_over_a_thousand(case: Case) -> None:
    adapter = await case.open()
    for life in (1, 2):
        with case.about(f"life {life}"):
            stored = await fill(case, adapter, count=1100)
            case.same([stored[0].seq, stored[-1].seq], [1, 1100], "the positions, which begin anew")
            case.same(await adapter.sessions.delete("s"), True, "whether there was one to delete")
    case.same(await adapter.sweep(), 0, "what is left to sweep")
    await adapter.sessions.save(Session(id="s"))
    case.same(list(await adapter.messages.find("s")), [], "the messages of the next life")
