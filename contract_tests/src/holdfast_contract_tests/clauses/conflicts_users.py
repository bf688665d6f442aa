"""Conflicts of users: what belongs to another user is as if it were not there."""

from holdfast import Capability, NotFound, Session, SessionExpired, Turn
from holdfast.models import Expected
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause


@clause(
    "conflicts.other_user",
    "A save by another user is answered as if there were no such session, to the letter.",
)
async def other_user(case: Case) -> None:
    adapter = await case.open()
    missing = Session(id="missing", user_id="u", version=9)
    none = await case.refused(NotFound, adapter.sessions.save(missing))
    for owner, user in (("u", None), ("u", "v"), ("u", "U"), ("u", "u "), (None, "u")):
        name = f"theirs-{owner}-{user}"
        stored = await adapter.sessions.save(Session(id=name, user_id=owner, data={"n": 1}))
        other = stored.model_copy(update={"user_id": user, "data": {}})
        async with case.unchanged(adapter):
            saves: tuple[tuple[Session, Expected | None], ...] = (
                (other, None),
                (other.model_copy(update={"key": None}), None),
                (other.model_copy(update={"version": 9}), None),
                (other.model_copy(update={"key": None, "version": 0}), None),
                (other.model_copy(update={"key": None}), "any"),
            )
            for value, expected in saves:
                with case.about(f"a session of user {owner!r}, a save by {user!r}, expected={expected!r}"):
                    theirs = await case.refused(NotFound, adapter.sessions.save(value, expected=expected))
                    case.same(str(theirs).replace(name, "missing"), str(none), "the error's text")
                    turn = Turn(session_id=name, session=value, expected=expected, messages=case.say("c"))
                    await case.refused(NotFound, adapter.commit(turn))


@clause(
    "conflicts.other_user_expired",
    "An expired session of another user is answered as if there were none.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def other_user_expired(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="old", user_id="u", expires_at=case.clock.now))
    await case.refused(SessionExpired, adapter.sessions.save(Session(id="old", user_id="u", version=1)))
    await case.refused(NotFound, adapter.sessions.save(Session(id="old", user_id="v", version=1)))
