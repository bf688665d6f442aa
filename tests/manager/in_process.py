"""Writers in the test's own process: how they save, what they noted, and what does not go together."""

import json

from tests.manager.accounts import Account
from tests.manager.checks import Check, look

from holdfast import Autosave

FORMS = {"turn": "turn", "session": "session", "off": "off", "behind": Autosave(every=0.005, turns=5)}
"""All forms of autosave, by name."""


async def faults(adapter, notes, reads=()):
    """All that does not go together, in all sessions."""
    account = Account(notes)
    sessions = {step.at: None for step in account.steps.values()}
    checks = [
        Check(account, account, name, await look(adapter, name), reads if name == "s" else ()) for name in sessions
    ]
    return [fault for check in checks for fault in check.faults()]


def noting_in(notes):
    """Notes are what was said at that moment, as in a file."""
    return lambda **said: notes.append(json.loads(json.dumps(said)))


def unanswered(notes):
    return [step.name for step in Account(notes).steps.values() if not (step.acked or step.dropped)]
