"""What the repositories of one adapter share: the store, and everything that core puts around it."""

import logging
from dataclasses import dataclass

from holdfast.capabilities import Capability, Limits
from holdfast.clock import Clock, to_micros
from holdfast.codec import Codec
from holdfast.errors import HoldfastError, NotFound, SessionExpired, SessionFenced, UnsupportedCapability
from holdfast.ids import new_id
from holdfast.models import Turn
from holdfast.toolkit.encoding import Append, encode_turn, seal
from holdfast.toolkit.group_commit import GroupCommit
from holdfast.toolkit.lifecycle import Lifecycle
from holdfast.toolkit.lifetimes import prolong
from holdfast.toolkit.operation import Observer, Operation, Translate, operation
from holdfast.toolkit.store import Done, Facts, Head, Lifetime, Ref, Store, Write

__all__ = ["Runtime", "check_offer"]

logger = logging.getLogger("holdfast")

_TOUCH_TIMEOUT = 1.0  # seconds

_ALTERNATIVES = {
    Capability.TENANTS: "Make the tenant a part of each id, with ids.join(tenant, id).",
    Capability.PARENTS: "Keep the parent's id in metadata, and delete children yourself.",
    Capability.EXPIRY: "Delete sessions yourself when their time is over.",
    Capability.REMOVE: "Copy what is to stay into a new session.",
    Capability.REPLACE: "Copy the session without that message, and delete the old one.",
}


def check_offer(facts: Facts, capability: str) -> None:
    """Return if a store with these facts offers this.

    Raises:
        UnsupportedCapability: It does not; the error says what to do instead.
    """
    if capability not in facts.capabilities:
        raise UnsupportedCapability(capability, _ALTERNATIVES.get(capability, "Ask adapter.capabilities."))


@dataclass(kw_only=True)
class Runtime:
    """One opened backend; all tenants' views share it."""

    store: Store
    commits: GroupCommit
    lifecycle: Lifecycle
    translate: Translate
    clock: Clock
    codec: Codec
    limits: Limits
    lifetimes: dict[str, Lifetime]
    refresh_on_read: bool
    timeout: float
    observer: Observer | None
    facts: Facts | None = None
    latest: int = -(2**63)

    def now(self) -> int:
        """The time in microseconds; within one adapter it never goes back, or the expired would come to life."""
        self.latest = max(self.latest, to_micros(self.clock()))
        return self.latest

    def operation(self, name: str, *, timeout: float | None = None) -> operation:
        """What every call runs in."""
        return operation(
            name,
            timeout=self.timeout if timeout is None else timeout,
            translate=self.translate,
            observer=self.observer,
            lifecycle=self.lifecycle,
        )

    def require(self, capability: str) -> None:
        """Return if the store offers this.

        Raises:
            UnsupportedCapability: It does not; nothing was sent.
        """
        if self.facts is not None:
            check_offer(self.facts, capability)

    def encode(self, turn: Turn | Append, tenant: str) -> Write:
        """The write of a turn, checked in full; nothing is awaited."""
        write = encode_turn(
            turn, tenant=tenant, now=self.now(), limits=self.limits, codec=self.codec, lifetimes=self.lifetimes
        )
        if write.remove:
            self.require(Capability.REMOVE)
        if write.state and write.state.parent_id is not None:
            self.require(Capability.PARENTS)
        if write.state and (write.state.expires_at or write.state.state_expires_at):
            self.require(Capability.EXPIRY)
        return write

    async def submit(self, write: Write, running: Operation) -> Done:
        """Seal a write, make it durable, and do what is to be done before the caller is told."""
        done = await self.commits.submit(await seal(write, self.codec), running)
        if done.finish is not None:
            await done.finish()
        return done

    async def head(self, ref: Ref, *, state: bool = False) -> Head | None:
        """The head of a session, expired or not."""
        heads = await self.store.heads([ref], state=state)
        if len(heads) != 1:
            raise RuntimeError(f"Store.heads gave {len(heads)} heads for one name; None stands for an absent one.")
        return heads[0]

    async def live_head(self, ref: Ref) -> Head:
        """The head of a session that is there.

        Raises:
            NotFound: It is not.
        """
        head = await self.head(ref)
        if head is None:
            raise NotFound(f"Session {ref.id!r}.")
        if head.dead(self.now()):
            raise SessionExpired(f"Session {ref.id!r}.")
        return head

    async def was_read(self, head: Head) -> None:
        """Move the lifetimes of a session that was read, if it is to live longer for that, and by a tenth.

        The answer is made already, so this must not spoil it: it is an operation of its own, with a short
        deadline, and where it fails the lifetimes are moved by the next read.
        """
        if not self.refresh_on_read:
            return
        write = Write(
            ref=head.key.ref,
            key=head.key.key,
            turn_id=new_id(),
            digest=b"",
            now=self.now(),
            touch=True,
            lifetimes=self.lifetimes,
        )
        if prolong(head, write) == head:
            return
        try:
            async with self.operation("sessions.touch", timeout=_TOUCH_TIMEOUT) as running:
                await self.submit(write, running)
        except (NotFound, SessionFenced):
            return  # it ended, or was fenced, while it was read: there is nothing to prolong
        except HoldfastError as error:
            logger.warning("A session that was read could not be prolonged: %s", type(error).__name__)
