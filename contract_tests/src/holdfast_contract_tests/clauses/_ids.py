"""Hard identifiers, for the clauses about them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from holdfast_contract_tests.case import Case

__all__ = ["FEW", "HARD", "each"]

# ruff: noqa: E501 - lists of hard ids
FEW = [
    "a",
    "A",
    "a ",
    " a",
    "\u00e1",
    "a\u0301",
    "\uff41",
    "a:b",
    "a/b",
    "..",
    "%",
    "_",
    "*",
    "7",
    "07",
    "'",
    "😀",
    "x" * 255,
]

HARD = [
    # the same to a collation, to a normal form, to the eye
    "a", "A", "\u00e1", "a\u0301", "\u00c1", "\uff41", "a ", " a", "a  ", "a\u00a0", "a\u200b", "a\u200d", "\u3000x", "x\u3000", "\ufeff", "\ufeffa",
    "ß", "ss", "SS", "\u017f", "s", "k", "\u212a", "\ufb01", "fi", "\u2460", "1", "İ", "i", "ı", "I", "σ", "ς", "Σ", "\u0430", "\u212b", "\u00c5",
    # numbers, and what somebody takes for one
    "٧", "7", "07", "+7", "-7", "7.0", "7e0", "0x7", "0", "-0", "9007199254740992", "9007199254740993", "1e400", "NaN", "Infinity",
    # names of other kinds, in several spellings
    "550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "550e8400e29b41d4a716446655440000",
    "507f1f77bcf86cd799439011", "507F1F77BCF86CD799439011", "2026-01-01", "2026-01-01T00:00:00Z", "null", "None", "true", "True", "undefined",
    # what has a meaning in a key, a pattern, a path, a query
    ":", "a:b", "a:b:c", "a::b", "s:*:1", "*", "?", "[a]", "a*", "{}", "{a}{b}", "}{", "{a", "/", "a/b", "../../etc/x", "..", ".", "C:\\x", "CON",
    "%", "_", "a%b", "a_b", "'", "''", '"', "`", "x') OR '1'='1", 'm"; DROP TABLE x; --', "$set", "a.b", "$", "@a:{*}", "tenant:* OR x",
    "\\", "\\x00", "\\u0000", "%00", "#", "?x=1", "a,b", "[]", '["a"]', "~", "~#", "<script>", "a\u2028b", "\uffff", "a|b", "a-b", "-", "--", "+", "&", "=1",
    "😀", "👨‍👩‍👧", "会話", "\ue000", "\U0010ffff", "\ud7ff", "_id", "_all", "__proto__",
    # long ones that differ at their ends
    "x" * 255, "x" * 254, "x" * 254 + "y", "y" + "x" * 254, "é" * 127 + "x", "é" * 127 + "y", "😀" * 63 + "abc", "😀" * 63 + "abd",
]  # fmt: skip

_AT_ONCE = 16


async def each(case: Case, names: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do the same with each name, a few at a time."""

    async def one(name: str) -> None:
        with case.about(f"the id {name!r}"):
            await work(name)

    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        results = await asyncio.gather(*map(one, some), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
