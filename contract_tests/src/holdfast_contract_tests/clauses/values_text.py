"""Text: any of it comes back character by character, however long it is, from each place that takes text."""

from datetime import UTC, datetime

from holdfast import Message, RouteVisit, Session, SessionQuery, Text
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._round_trip import check_all

HARD = [
    # blanks, and what takes them away
    *("", " ", "  ", "a ", " a", "\t", "\n", "a\n", "\na", "\r", "a\r\nb", "\r\n\r\n", "a\n\n\nb", "\u3000", "\u00a0a\u00a0"),
    # controls; what ends lines or records in one program or another; marks of byte order
    *("\x00", "a\x00b", "\x00a", "a\x00", "\x01", "\x1b[31m", "\x7f\x80", "a\x0bb\x0cc", "a\x1cb\x1dc\x1ed\x1fe", "\x85", "\x1a"),
    *("\u2028\u2029", "\ufeff", "\ufeffa", "\ufffe", "\uffff", "\ufffd", "\u202e", "\u200b", "\u00ad", "\U0010ffff", "\ue000"),
    # the same to the eye, or to a collation
    *("\u00e9", "e\u0301", "\u00c5", "\u212b", "A\u030a", "\ufb01", "fi", "\u2460", "\uff41", "ß", "ss", "\u017f", "İ", "ı", "Σς", "\u212a", "\uac01", "\u1100\u1161\u11a8", "\u0344"),
    # outside of the first 65,536 characters
    *("😀", "👨‍👩‍👧", "𝒳", "🇩🇪", "x😀" * 40),
    # what somebody's parser takes for something else
    *("null", "None", "true", "0", "007", "1.0", "1e5", "-0", "NaN", "Infinity", "0x10", "2026-01-01", "[]", "{}", '""'),
    *('{"$datetime": 1}', '{"$":', '[{"type": "text", "text": "x"}]', "\\N", "\\", "\\\\", "\\n", "\\x00", "\\u0000", "\\ud83d"),
    *("'", "''", '"', "`", "'); DROP TABLE messages; --", "%", "%s", "%(a)s", "{}", "{0}", "${a}", ":a", "?", "$1", "@a"),
    *("*3\r\n$3\r\nSET\r\n", "&lt;", "<b>&</b>", "a%20b", "=1+1", "# a", "--", "/* a */", "sealed.", "gAAAAA", "a,b;c|d"),
]  # fmt: skip
# ruff: noqa: E501 - a list of hard texts


def _named(text: str) -> str:
    return ascii(text)


@clause(
    "values.text",
    "Any text without lone surrogates comes back character by character: NUL, blanks, é as it was composed.",
    sealed=True,
)
async def text(case: Case) -> None:
    await check_all(case, {_named(hard): hard for hard in HARD})


@clause(
    "values.message_text",
    "Any text can be a message's content, name, route, step and format.",
    sealed=True,
    level=Level.SMOKE,
)
async def message_text(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    plain = [
        Message(id=f"p{number}", role="user", content=hard, name=hard, route=hard, step=hard, format=hard)
        for number, hard in enumerate(HARD)
    ]
    parted = [Message(id=f"q{number}", role="user", content=[Text(text=hard)]) for number, hard in enumerate(HARD)]
    told = await adapter.messages.append("s", [*plain, *parted])
    found = await adapter.messages.find("s", limit=2 * len(HARD))
    for how, messages in (("append gave back", told), ("messages.find gave", found.items)):
        case.same([one.id for one in messages], [one.id for one in (*plain, *parted)], f"the ids that {how}")
        for sent, read in zip((*plain, *parted), messages, strict=True):
            with case.about(f"{_named(sent.text)}, as {how}"):
                for field in ("content", "name", "route", "step", "format"):
                    case.same(getattr(read, field), getattr(sent, field), field)


@clause("values.state_text", "Any text can be a session's route and step.", sealed=True)
async def state_text(case: Case) -> None:
    adapter = await case.open()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    visits = [RouteVisit(route=hard, entered_at=at) for hard in HARD]
    await adapter.sessions.save(Session(id="all", route_history=visits))
    found = await adapter.sessions.get("all")
    assert found is not None, "the session that was just saved is not there"
    case.same(found.route_history, visits, "route_history")
    some = ["", " ", "a ", "\n", "\x00", "a\r\nb", "e\u0301", "é", "\ufeffa", "\u2028", "😀", "null", "0", '{"$":']
    for number, hard in enumerate(some):
        await adapter.sessions.save(Session(id=f"s{number:02}", current_route=hard, current_step=hard[::-1]))
    page = await adapter.sessions.find(SessionQuery(order="created", with_state=True, limit=100))
    read = {info.id: info for info in page}
    for number, hard in enumerate(some):
        state = read.get(f"s{number:02}") or await adapter.sessions.get(f"s{number:02}")
        with case.about(_named(hard)):
            assert isinstance(state, Session), f"expected the session with its state, found {state!r:.80}"
            case.same((state.current_route, state.current_step), (hard, hard[::-1]), "current route and step")


@clause(
    "values.long_text",
    "Text and bytes of hundreds of kilobytes come back whole, in messages and in states.",
    sealed=True,
)
async def long_text(case: Case) -> None:
    adapter = await case.open()
    lengths = (255, 256, 1024, 4000, 4001, 8191, 32_767, 65_535, 65_536, 65_537, 150_000)
    texts = {f"{length:,} characters": _running(length) for length in lengths}
    texts |= {"70,000 two-byte characters": "é" * 69_999 + "!", "40,000 emoji": "😀" * 39_999 + "!"}
    await adapter.sessions.save(Session(id="s", data=dict(texts), metadata={_running(70_000): 1}))
    found = await adapter.sessions.get("s")
    assert found is not None, "the session that was just saved is not there"
    _check_long(case, dict(found.data), texts, "data")
    case.same([len(key) for key in found.metadata], [70_000], "the length of a key")
    case.same(found.metadata, {_running(70_000): 1}, "metadata")
    for number, (name, long) in enumerate(texts.items()):
        sent = Message(id=f"m{number}", role="user", content=long, raw=long.encode())
        await adapter.messages.append("s", [sent])
        read = await adapter.messages.get("s", f"m{number}")
        assert read is not None, f"the message of {name} is not there"
        _check_long(case, {name: read.content}, {name: long}, "content")
        _check_long(case, {name: read.raw}, {name: long.encode()}, "raw")


def _running(length: int) -> str:
    """A text in which no piece is like another, so that one that is lost or moved is seen."""
    return "".join(f"{number:06} " for number in range(length // 7 + 1))[:length]


def _check_long(
    case: Case, found: dict[str, object], expected: dict[str, str] | dict[str, bytes], what: str
) -> None:
    lengths = {name: len(value) if isinstance(value, str | bytes) else None for name, value in found.items()}
    case.same(lengths, {name: len(value) for name, value in expected.items()}, f"lengths in {what}")
    case.same(found, dict(expected), what)
