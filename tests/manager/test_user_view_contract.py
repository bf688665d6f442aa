"""The whole contract over a view of one user, in which every session without a user is this user's."""

from dataclasses import replace

import pytest

from holdfast import Session, Turn
from holdfast.manager.users.view import UserView
from holdfast_contract_tests import AdapterContract
from holdfast_contract_tests.clause import Level, all_clauses
from holdfast_contract_tests.run import Place, run_clause
from holdfast_contract_tests.verdict import Verdict
from holdfast_memory import MemoryAdapter

ME = "u"

# These save sessions of several users, or look at the user's name; what a view does then is tested beside.
ABOUT_USERS = {
    "conflicts.every_save",
    "conflicts.other_user",
    "expiry.next_life",
    "identity.kept_by_append",
    "identity.kept_by_removal",
    "identity.kept_by_replacement",
    "identity.user",
    "ids.any_two",
    "ids.exact",
    "ids.filter_pairs",
    "ids.filters",
    "ids.filters_alike",
    "ids.sessions",
    "listing.activity",
    "listing.any_query",
    "listing.any_query_of_families",
    "listing.cursor_of_its_query",
    "listing.deleted",
    "listing.expired",
    "listing.filters",
    "listing.filters_combined",
    "listing.filters_exact",
    "listing.filters_follow",
    "listing.levels",
    "listing.orders",
    "listing.updated_before",
    "listing.with_state",
    "listing.without_state",
    "turns.creation",
}
NOT_OURS = ("sealed.", "limits.")  # a view hands bodies and sizes on, and proving these takes long


class NamelessSessions:
    """A user's sessions; where they say his name, it is left out."""

    def __init__(self, sessions):
        self._sessions = sessions
        self.delete = sessions.delete

    async def get(self, session_id):
        return nameless(await self._sessions.get(session_id))

    async def save(self, session, **how):
        return nameless(await self._sessions.save(named(session), **how))

    async def find(self, query):
        page = await self._sessions.find(query)
        return replace(page, items=tuple(map(nameless, page)))


class Nameless:
    """A view of one user that looks as if there were no users. Who opens it closes the adapter below."""

    def __init__(self, adapter, *, closes=True):
        self._adapter, self._closes = adapter, closes
        self._view = UserView(adapter, ME)
        self.sessions = NamelessSessions(self._view.sessions)

    def __getattr__(self, name):
        return getattr(self._view, name)

    async def commit(self, turn):
        if type(turn) is Turn:
            turn = turn.model_copy(update={"session": named(turn.session)})
        done = await self._view.commit(turn)
        return replace(done, session=nameless(done.session))

    def for_tenant(self, tenant):
        return Nameless(self._adapter.for_tenant(tenant), closes=False)

    async def aclose(self):
        await (self._adapter if self._closes else self._view).aclose()

    async def __aenter__(self):
        await self._view.__aenter__()
        return self

    async def __aexit__(self, *exc):
        await self.aclose()


def named(session):
    nobodys = type(session) is Session and session.user_id is None
    return session.model_copy(update={"user_id": ME}) if nobodys else session


def nameless(info):
    return info and info.model_copy(update={"user_id": None})


USUAL = [
    clause
    for clause in all_clauses().values()
    if clause.level < Level.THOROUGH and not clause.id.startswith(NOT_OURS)
]


@pytest.fixture(scope="module")
def place():
    class OverMemory(AdapterContract):  # here, where the suite's own plugin does not find it
        def make_adapter(self, env):
            return Nameless(MemoryAdapter(**env.options))

    made = Place(OverMemory(), None)
    yield made
    made.close()


@pytest.mark.parametrize("clause", USUAL, ids=lambda clause: clause.id)
def test_a_view_keeps_the_contract(place, clause):
    outcome = run_clause(place, clause, profile=clause.level, seed=1)
    failed = outcome.verdict is Verdict.FAIL
    assert failed is (clause.id in ABOUT_USERS), f"{clause.promise} {outcome.reason}"
