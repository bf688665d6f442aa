"""Values: what is legal comes back equal, type for type, from each place that takes any value."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from holdfast import Message, Session, UnserializableValue
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._round_trip import check_all, round_trip

INDIA = timezone(timedelta(hours=5, minutes=30))
ODD = timezone(-timedelta(hours=3, minutes=7, seconds=9, microseconds=11))
FAR_EAST, FAR_WEST = (timezone(sign * timedelta(hours=23, minutes=59)) for sign in (1, -1))


def _named(*values: Any) -> dict[str, Any]:
    """Values by what they look like: that is what a failure shows."""
    return {f"{number}: {value!r:.40}": value for number, value in enumerate(values)}


@clause(
    "values.integers",
    "Integers of up to 4,300 digits come back exactly, as integers.",
    sealed=True,
    level=Level.SMOKE,
)
async def integers(case: Case) -> None:
    edges = [2**power + step for power in (15, 16, 31, 32, 53, 63, 64, 70) for step in (-1, 0, 1)]
    small = [0, 1, -1, 7, -128, 256, 10**15, 10**16, 10**17 + 3]
    huge = [10**400 + 1, 10**4300 - 1, 1 - 10**4300]
    await check_all(case, _named(*small, *edges, *[-edge for edge in edges], *huge))


@clause(
    "values.floats",
    "Floats come back to the last bit and as floats: 1.0 is not 1, and -0.0 is not 0.0.",
    sealed=True,
    level=Level.SMOKE,
)
async def floats(case: Case) -> None:
    await check_all(
        case,
        _named(
            *(0.0, -0.0, 1.0, -1.0, 100.0, 1e308, 1.7976931348623157e308, 5e-324, 2.2250738585072014e-308),
            *(2.0**53, 2.0**63, 1e15, 1e16, 1e22, 1e-5, 0.1, -1e-7, 0.1 + 0.2, 1 / 3, 123456789.12345679),
        ),
    )


@clause(
    "values.constants",
    "True, False and None stay what they are: none of them becomes 1, 0 or an empty text.",
    sealed=True,
    level=Level.SMOKE,
)
async def constants(case: Case) -> None:
    alike = [True, 1, 1.0, "1", "true", "True", False, 0, 0.0, -0.0, "0", "", None, "null", "None"]
    await check_all(case, _named(*alike, alike, {"t": True, "f": False, "n": None, "e": ""}))


@clause(
    "values.containers",
    "Lists, tuples, sets, frozensets and objects come back as what they were, empty ones too.",
    sealed=True,
    level=Level.SMOKE,
)
async def containers(case: Case) -> None:
    await check_all(
        case,
        _named(
            *([], {}, (), set(), frozenset(), [[]], [{}], {"": {}}, ((),), [()], {"a": ()}, [None], (None,)),
            *(frozenset({frozenset()}), {(1, (2, frozenset({3})))}, {1, "1", (1,)}, [1, [2, (3, [4])]]),
            *([True, 1, 1.0, "1"], [{"a": [{"b": ({"c": []},)}]}], {"1": 1}, [3, 1, 2, 1], ({"x": {"y"}},)),
        ),
    )


@clause("values.key_order", "The keys of an object come back in the order in which they were given.", sealed=True)
async def key_order(case: Case) -> None:
    orders = [*("zam", "amz", "maz"), "".join(map(chr, range(122, 96, -1))), "b1a2c", "éeé"]
    flat = [dict.fromkeys(order, 1) for order in orders]
    by_length = {"aaa": 1, "b": {"zz": 1, "y": 2}, "cc": [{"z": 1, "a": 2}], "10": 1, "9": 1, "": 0}
    await check_all(case, _named(*flat, by_length, {"z": flat, "a": {"y": flat[0], "b": flat[1]}}))


@clause(
    "values.keys",
    "Any text can be a key, with dots, dollars and NUL, and keys that look alike stay apart.",
    sealed=True,
)
async def keys(case: Case) -> None:
    hard = [
        *(
            "",
            " ",
            "a",
            "A",
            "a ",
            " a",
            "a\x00",
            "a\x00b",
            "\x00",
            "é",
            "e\u0301",
            "ａ",
            "ß",
            "ss",
            "1",
            "01",
            "1.0",
        ),
        *("a.b", "a.b.c", ".", ".a", "a.", "$", "$set", "$a.b", "a$b", "_id", "id", "__proto__", "constructor"),
        *("a:b", "a/b", "a\\b", "a'b", 'a"b', "a\nb", "a\r\nb", "{a}", "[0]", "*", "%", "_", "-", "@type", "#"),
        *("null", "True", "😀", "\ufeff", "\u2028", "\uffff", "\U0010ffff", "type", "content", "k" * 300),
    ]
    await check_all(case, _named(dict.fromkeys(hard, 1), {key: {key: key} for key in hard}))
    adapter = await case.open()
    told = {key: {"n": number} for number, key in enumerate(hard)}
    await adapter.sessions.save(Session(id="apart", data=told, metadata=told, data_by_route=told))
    found = await adapter.sessions.get("apart")
    assert found is not None, "the session that was just saved is not there"
    case.same(found.data, told, "data")
    case.same(found.metadata, told, "metadata")
    case.same(found.data_by_route, told, "data_by_route")


@clause(
    "values.look_alikes",
    "An object that looks like an encoding of ours, or of a database, comes back as it was.",
    sealed=True,
)
async def look_alikes(case: Case) -> None:
    tags = ["datetime", "date", "time", "uuid", "decimal", "bytes", "tuple", "set", "frozenset", "unknown", "oid"]
    inside: list[Any] = ["x", 1, [1], None, {}]
    await check_all(
        case,
        _named(
            *({f"${tag}": value} for tag in tags for value in inside),
            *({"$": 1}, {"$": {}}, {"$": {"$": {"$": 1}}}, {"$a": 1, "b": 2}, {"$gt": ""}, {"$ref": "#/a"}),
            *([{"$set": [{"$": []}]}], ({"$uuid": "x"},), {"$bytes": b"$"}, {"$date": {"$date": date(1, 1, 1)}}),
            *({"__class__": "x"}, {"py/object": "os.system"}, {"type": "text", "text": "x"}, {"_type": "index"}),
        ),
    )


@clause("values.bytes", "Bytes come back as bytes, whatever they hold.", sealed=True)
async def binary(case: Case) -> None:
    every = bytes(range(256))
    await check_all(
        case,
        _named(b"", b"\x00", b"\x00\xff" * 9, b"text", "é".encode(), every, every[::-1] * 3, b"\xff\xfe", b"=="),
    )


@clause("values.exact_types", "Decimals and UUIDs come back exactly, digits and exponents too.", sealed=True)
async def exact_types(case: Case) -> None:
    decimals = ["0", "-0", "0E+5", "0.00", "1E+400", "-1.10", "1.1", "1e-999999", "9" * 60, "0." + "1" * 60]
    uuids = [UUID(int=0), UUID(int=2**128 - 1), UUID("550e8400-e29b-41d4-a716-446655440000")]
    await check_all(case, _named(*map(Decimal, decimals), *uuids, *map(str, uuids)))


@clause(
    "values.moments",
    "Times keep their microseconds and their offset, dates stay dates, from year 1 to 9999.",
    sealed=True,
)
async def moments(case: Case) -> None:
    await check_all(
        case,
        _named(
            datetime(1, 1, 1, tzinfo=UTC),
            datetime.max.replace(tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(2024, 2, 29, 1, 2, 3, 4, INDIA),
            datetime(2024, 1, 1, tzinfo=INDIA),
            datetime(2024, 1, 1, tzinfo=ODD),
            datetime.min.replace(tzinfo=FAR_EAST),
            datetime.max.replace(tzinfo=FAR_WEST),
            *(datetime(2026, 1, 1, 0, 0, 0, micros, UTC) for micros in (0, 1, 999, 1000, 123_456, 999_999)),
            *(date.min, date.max, date(2026, 1, 1), "2026-01-01", "2026-01-01T00:00:00Z", "00:00:00"),
            *(time.min, time.max, time(0, 0, 0, 1), time(1, 2, 3, 4, INDIA), time(0, 0, tzinfo=ODD)),
        ),
    )


@clause(
    "values.small_offsets", "A time whose offset is less than a second is kept exactly, or refused.", sealed=True
)
async def small_offsets(case: Case) -> None:
    adapter = await case.open()
    for number, micros in enumerate((1, -1, 999_999, -999_999)):
        zone = timezone(timedelta(microseconds=micros))
        for value in (time(1, 2, tzinfo=zone), datetime(2026, 1, 1, tzinfo=zone)):
            name = f"{value!r}"
            try:
                with case.about(name):
                    await round_trip(case, adapter, {name: value}, f"s{number}{type(value).__name__}")
            except UnserializableValue:
                continue


@clause("values.deep", "Values come back however deep they nest, up to the limit.", sealed=True)
async def deep(case: Case) -> None:
    adapter = await case.open()
    most = max(adapter.limits.depth - 5, 1)
    values: dict[str, Any] = {}
    for depth in (1, most // 2, most):
        values[f"{depth} lists"] = values[f"{depth} objects"] = values[f"{depth} tuples"] = 0
        values[f"{depth} escapes"] = 0
        for _ in range(depth):
            values[f"{depth} lists"] = [values[f"{depth} lists"]]
            values[f"{depth} objects"] = {"k": values[f"{depth} objects"]}
            values[f"{depth} tuples"] = (values[f"{depth} tuples"],)
            values[f"{depth} escapes"] = {"$": values[f"{depth} escapes"]}
    await check_all(case, values)


@clause("values.many_keys", "A state may have thousands of different keys.")
async def many_keys(case: Case) -> None:
    adapter = await case.open()
    data = {f"key {number}.{number % 7}": {f"{number}": number} for number in range(3000, 0, -1)}
    await adapter.sessions.save(Session(id="s", data=data, data_by_route=data))
    found = await adapter.sessions.get("s")
    assert found is not None, "the session that was just saved is not there"
    case.same(found.data, data, "data")
    case.same(found.data_by_route, data, "data_by_route")
    [_] = await adapter.messages.append("s", [Message(id="m", role="user", raw=data)])
    read = await adapter.messages.get("s", "m")
    assert read is not None, "the message that was just appended is not there"
    case.same(read.raw, data, "raw")
