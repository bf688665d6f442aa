"""Values that come back as others."""

import json
import unicodedata

from contract_tests.tests.planted.bases import Toy
from contract_tests.tests.planted.planting import planted
from contract_tests.tests.planted.trees import each_key, each_value

from holdfast.errors import CorruptRecord


@planted(
    "NUL is stripped from text, as Postgres would refuse it.",
    "values.text",
    "values.message_text",
    "values.state_text",
)
class NulStripped(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: value.replace("\0", "") if isinstance(value, str) else value)


@planted("Text is cut at 64 KiB, as MySQL's TEXT does in lax mode.", "values.long_text")
class CutAt64K(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: value[:65535] if isinstance(value, str) else value)


@planted("A whole body is cut at 64 KiB.", "values.long_text", raises=CorruptRecord)
class BodyCutAt64K(Toy):
    def body_in(self, body):
        return body[:65535]


@planted("Integers go through float, as in Lua and JavaScript.", "values.integers")
class IntegersThroughFloat(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: int(float(value)) if type(value) is int and value < 2**64 else value)


@planted("Integers over 64 bits saturate.", "values.integers")
class IntegersSaturate(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: min(value, 2**63 - 1) if type(value) is int else value)


@planted("True is stored as 1.", "values.constants")
class TrueIsOne(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: int(value) if isinstance(value, bool) else value)


@planted("None is stored as an empty text.", "values.constants")
class NoneIsEmpty(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: "" if value is None else value)


@planted("An empty text is stored as None, as Oracle does.", "parts.empty_raw")
class EmptyIsNone(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: None if value == "" else value)


@planted("Text is normalised to NFC.", "values.text")
class Normalised(Toy):
    def body_in(self, body):
        return each_value(body, lambda one: unicodedata.normalize("NFC", one) if isinstance(one, str) else one)


@planted("Blanks at the end are trimmed, as CHAR does.", "values.text")
class Trimmed(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: value.rstrip(" ") if isinstance(value, str) else value)


@planted("Line ends are rewritten, as a file in text mode does.", "values.text")
class LineEnds(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: value.replace("\r\n", "\n") if isinstance(value, str) else value)


@planted("Characters beyond the BMP are lost, as in utf8mb3.", "values.text")
class NoAstralText(Toy):
    def body_in(self, body):
        return each_value(
            body, lambda one: "".join("?" if ord(c) > 0xFFFF else c for c in one) if isinstance(one, str) else one
        )


@planted("Dots in keys are rewritten, as for Mongo.", "values.keys")
class DotsRewritten(Toy):
    def body_in(self, body):
        return each_key(body, lambda key: key.replace(".", "_"))


@planted("Keys are sorted, as in JSONB.", "values.key_order", "parts.argument_order")
class KeysSorted(Toy):
    def body_in(self, body):
        return json.dumps(json.loads(body), sort_keys=True)


@planted("1.0 becomes 1.", "values.floats")
class WholeFloats(Toy):
    def body_in(self, body):
        return each_value(body, lambda one: int(one) if isinstance(one, float) and one == int(one) else one)


@planted("Floats keep 14 digits, as with cjson.", "values.floats")
class FewDigits(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: float(f"{value:.14g}") if isinstance(value, float) else value)


@planted("An empty list becomes an empty object, as with cjson.", "values.containers")
class EmptyListIsObject(Toy):
    def body_in(self, body):
        return each_value(body, lambda value: {} if value == [] else value)


@planted("An object that looks like the database's own date is taken for one.", "values.look_alikes")
class LookAlikes(Toy):
    def body_in(self, body):
        return each_value(body, lambda one: one["$"]["$date"] if "$date" in _inner(one) else one)


def _inner(value):
    return value.get("$", ()) if isinstance(value, dict) else ()


@planted("Times keep milliseconds, as in Mongo.", "values.moments")
class MillisecondsOnly(Toy):
    def body_in(self, body):
        return each_value(body, lambda one: {"$datetime": _short(one["$datetime"])} if _is_time(one) else one)


def _is_time(value):
    return isinstance(value, dict) and isinstance(value.get("$datetime"), str)


def _short(text):
    return text[:23] + text[26:] if text[19:20] == "." else text


@planted("created_at of a message keeps milliseconds.", "values.times")
class CreatedInMilliseconds(Toy):
    def row_out(self, row):
        return row._replace(created_at=row.created_at // 1000 * 1000)


@planted("completed_at keeps seconds.", "values.times")
class CompletedInSeconds(Toy):
    def head_out(self, head):
        return head._replace(completed_at=head.completed_at and head.completed_at // 10**6 * 10**6)


@planted("Nothing deeper than 32 levels is kept.", "values.deep")
class Shallow(Toy):
    def body_in(self, body):
        return body.replace("[" * 32, "[null,[", 1).replace("]" * 32, "]]", 1)


@planted("Emptying a state is taken for no change.", "values.emptied")
class NeverEmptied(Toy):
    def _carry_out(self, write, plan, head):
        old = self._heads.get(write.ref)
        super()._carry_out(write, plan, head)
        if old and plan.body == "{}":
            self._heads[write.ref] = self._heads[write.ref]._replace(body=old.body)


@planted("A state is merged into the old one, not put in its place.", "values.emptied")
class StatesMerge(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        if head and head.body and plan.body:
            old, new = json.loads(head.body), json.loads(plan.body)
            merged = {**old, **new, "data": {**old.get("data", {}), **new.get("data", {})}}
            self._heads[write.ref] = self._heads[write.ref]._replace(body=json.dumps(merged))


@planted("The body is parsed and written anew.", "sealed.values.text", "sealed.turns.whole", raises=ValueError)
class BodyParsed(Toy):
    def body_in(self, body):
        return json.dumps(json.loads(body))


@planted("Bodies are compared, not digests.", "sealed.retries.append", "sealed.retries.turn")
class BodiesCompared(Toy):
    def write_in(self, write):
        rows = [row._replace(digest=row.body.encode()) for row in write.rows]
        return write._replace(rows=tuple(rows), digest=write.state.body.encode() if write.state else write.digest)
