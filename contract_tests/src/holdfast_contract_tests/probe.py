"""What reads and damages a backend without its adapter."""

from contextlib import AbstractAsyncContextManager

from holdfast_contract_tests.verdict import Unsupported

__all__ = ["Probe"]


class Probe:
    """Looks at one namespace of a backend behind the adapter's back. Override what the backend allows.

    What is not overridden is ``UNSUPPORTED``: say so only where the backend has no such thing.
    """

    async def set_message_body(self, session_id: str, message_id: str, body: str) -> None:
        """Put this text in the place of a stored message's body (default tenant)."""
        raise Unsupported("The probe cannot change a message's body.")

    async def set_state_body(self, session_id: str, body: str) -> None:
        """Put this text in the place of a stored state's body (default tenant)."""
        raise Unsupported("The probe cannot change a state's body.")

    async def set_schema(self, *, schema: int, min_reader: int, min_writer: int) -> None:
        """Say that the stored schema of the component ``sessions`` has these numbers."""
        raise Unsupported("The probe cannot change the schema's numbers.")

    async def raw(self) -> bytes:
        """Everything that is stored in this namespace, in one piece: files, logs, and all."""
        raise Unsupported("The probe cannot read all that is stored.")

    async def rows(self) -> int:
        """How many rows are stored in this namespace: heads, states, messages, marks of the dead."""
        raise Unsupported("The probe cannot count rows.")

    async def destroy(self) -> None:
        """Make the backend refuse or break every later call, as an operator's mistake would."""
        raise Unsupported("The probe cannot destroy anything.")

    def lock(self, session_id: str) -> AbstractAsyncContextManager[None]:
        """Hold one session (default tenant) as another program would, so that nobody can write it meanwhile."""
        raise Unsupported("The backend has no locks on single sessions.")
