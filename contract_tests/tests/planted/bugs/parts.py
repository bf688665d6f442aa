"""Parts of messages that are lost, and other losses that a table of columns brings."""

from contract_tests.tests.planted.bases import Outer, Toy
from contract_tests.tests.planted.planting import planted
from contract_tests.tests.planted.trees import each_value

from holdfast.errors import CorruptRecord, NotFound
from holdfast.toolkit import Found, Position, Refused
from holdfast.toolkit.sessions import StoreSessions


def _without(name):
    def body_in(self, body):
        return each_value(body, lambda one: {k: v for k, v in one.items() if k != name} if _is_dict(one) else one)

    return body_in


def _is_dict(value):
    return isinstance(value, dict)


@planted("There is no column for the id of a tool call.", "parts.tools", "parts.kinds", raises=CorruptRecord)
class NoCallIds(Toy):
    body_in = _without("call_id")


@planted("There is no column for a speaker's name.", "parts.speakers", "values.message_text")
class NoNames(Toy):
    body_in = _without("name")


@planted("There is no column for the format of raw.", "parts.speakers")
class NoFormats(Toy):
    body_in = _without("format")


@planted("There is no column for where a message was said.", "parts.speakers")
class NoRoutes(Toy):
    body_in = _without("route")


@planted("There is no column for the history of routes.", "parts.routes")
class NoHistory(Toy):
    body_in = _without("route_history")


@planted("No parts are stored as no text.", "parts.no_content")
class NoPartsIsNoText(Toy):
    def body_in(self, body):
        return each_value(
            body, lambda one: {**one, "content": ""} if _is_dict(one) and one.get("content") == [] else one
        )


@planted("Parts are stored in no order.", "parts.order")
class PartsReversed(Toy):
    def body_in(self, body):
        return each_value(
            body, lambda one: one[::-1] if isinstance(one, list) and _is_dict((one or [0])[0]) else one
        )


@planted("Only the usual roles are known.", "parts.roles")
class UsualRoles(Toy):
    def row_out(self, row):
        return row if row.role in {"user", "assistant", "system", "tool"} else row._replace(role="user")


@planted("Bytes that are no text are lost.", "values.bytes")
class BytesAsText(Toy):
    def body_in(self, body):
        return each_value(
            body, lambda one: {"$bytes": ""} if _is_dict(one) and "/" in str(one.get("$bytes")) else one
        )


@planted("A body of more than a megabyte is cut.", "limits.own_bytes", raises=CorruptRecord)
class CutAtAMegabyte(Toy):
    def body_in(self, body):
        return body[: 2**20]


@planted("A listing of nothing has a next page.", "listing.empty")
class NothingHasMore(Toy):
    async def find(self, query):
        found = await super().find(query)
        return found if found.heads or query.fresh or query.begin else Found((), Position(query.now, "x"))


@planted("A loaded session does not tell its key.", "identity.key")
class KeyNotTold(Outer):
    class Sessions(StoreSessions):
        async def get(self, session_id):
            session = await super().get(session_id)
            return session and session.model_copy(update={"key": None})


@planted("A turn with a key is refused, even with that of this life.", "identity.key_of_this_life")
class KeysRefused(Toy):
    def judge(self, write, head, known, removable):
        if write.key and write.rows:
            return Refused(NotFound(f"Session {write.ref.id!r}."))
        return super().judge(write, head, known, removable)
