"""Deletions that name the life that they mean."""

from contract_tests.tests.planted.bases import Outer
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit.sessions import StoreSessions


@planted("A deletion ignores the key: it ends whatever life is there.", "identity.delete_by_dead_key")
class KeyIgnored(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, *, key=None, **how):
            return await super().delete(session_id, **how)


@planted("A deletion that names a key finds nothing.", "identity.delete_by_key", "identity.delete_by_key_guarded")
class KeyNeverFits(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, *, key=None, **how):
            return key is None and await super().delete(session_id, **how)


@planted("Beside a key, the guards of a deletion are ignored.", "identity.delete_by_key_guarded")
class KeyInsteadOfGuards(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, *, key=None, **how):
            return await super().delete(session_id, key=key, **({} if key else how))
