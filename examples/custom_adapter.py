"""An adapter of your own, here on plain files: a Store, and two lines over it.

Run it: it stores a chat in a folder, closes, opens again, and reads what is there. docs/write-an-adapter.md
explains each part, and tests/examples/test_custom_adapter.py runs the contract suite on it.

Each life of a session has a head, a log and a state. The head is small, and is replaced in one step: that is the
commit. Messages are appended to the log, of which only as much counts as the head says; so are removals. What a
crash leaves behind that is overwritten by the next write.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, Unpack

from holdfast import (
    BackendUnavailable,
    Capability,
    ConfigurationError,
    CorruptRecord,
    Durability,
    HoldfastError,
    OutcomeUnknown,
    PersistenceManager,
)
from holdfast.toolkit import (
    CommonOptions,
    Facts,
    Found,
    Head,
    HeadQuery,
    Operation,
    Outcome,
    Phase,
    Plan,
    Position,
    Recent,
    Ref,
    Row,
    SessionKey,
    Span,
    StoreAdapter,
    Write,
    judge,
)

T = TypeVar("T")

# REPLACE is not offered: the old words would stay in the log. Core refuses the call, and names the capability.
CAPABILITIES = frozenset(
    {
        Capability.SHARED,
        Capability.SURVIVES_PROCESS,
        Capability.LISTING_EXACT,
        Capability.ACTIVITY_EXACT,
        Capability.TENANTS,
        Capability.PARENTS,
        Capability.EXPIRY,
        Capability.REMOVE,
    }
)


@dataclass
class Log:
    """The messages of one life, as far as its log was read."""

    read: int = 0
    rows: dict[int, Row] = field(default_factory=dict[int, Row])
    seqs: dict[str, int] = field(default_factory=dict[str, int])

    def play(self, lines: bytes) -> None:
        """Take what was appended to the log: messages, and removals."""
        self.read += len(lines)
        for line in lines.splitlines():
            what, *values = json.loads(line)
            if what == "message":
                id_, turn_id, segment, role, created_at, digest, body, seq = values
                row = Row(id_, turn_id, segment, role, created_at, bytes.fromhex(digest), body, seq)
                self.rows[seq], self.seqs[id_] = row, seq
            else:
                for seq in [seq for seq in self.rows if values[0] < seq <= values[1]]:
                    del self.seqs[self.rows.pop(seq).id]

    def span(self, span: Span) -> list[Row]:
        """See ``Store.rows``."""
        if span.ids is not None:
            return [self.rows[seq] for seq in sorted(self.seqs[id_] for id_ in span.ids if id_ in self.seqs)]
        seqs = [seq for seq in self.rows if span.after < seq and (span.before is None or seq < span.before)]
        return [self.rows[seq] for seq in (seqs[-span.limit :] if span.last else seqs[: span.limit])]


class Folder:
    """The files. One lock lets in one thread of one process at a time; all work is done in threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mutex = threading.Lock()
        self._logs: dict[str, Log] = {}

    async def locked(self, work: Callable[[], T]) -> T:
        """What some work gives that is alone with the files."""

        def run() -> T:
            with self._mutex, (self.path / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
                return work()

        return await asyncio.to_thread(run)

    def head_file(self, ref: Ref) -> Path:
        """Ids are never part of a path: "../x" is a legal one, and some file systems fold case."""
        return self.path / f"{hashlib.blake2b(json.dumps(ref).encode(), digest_size=20).hexdigest()}.head"

    def file(self, key: str, kind: str) -> Path:
        """A file of one life."""
        return self.path / f"{key}.{kind}"

    def replace(self, file: Path, value: object) -> None:
        """Write a file in one step: it is there as a whole, or as it was."""
        file.with_suffix(".new").write_text(json.dumps(value, default=bytes.hex))
        file.with_suffix(".new").replace(file)

    def head(self, ref: Ref) -> tuple[Head | None, int]:
        """A head, and how much of its log counts."""
        with suppress(FileNotFoundError):
            return read_head(self.head_file(ref).read_text())
        return None, 0

    def heads(self) -> list[Head]:
        """All heads."""
        return [read_head(file.read_text())[0] for file in self.path.glob("*.head")]

    def with_body(self, head: Head) -> Head:
        """A head with its state."""
        return head._replace(body=self.file(head.key.key, f"state.{head.version}").read_text(encoding="utf-8"))

    def log(self, head: Head | None, length: int) -> Log:
        """The messages of a life; only what is new in the file is read."""
        if head is None:
            return Log()
        log = self._logs.setdefault(head.key.key, Log())
        if log.read < length:
            with self.file(head.key.key, "log").open("rb") as file:
                file.seek(log.read)
                log.play(file.read(length - log.read))
        return log

    def append(self, key: str, length: int, lines: Sequence[object]) -> int:
        """Write lines behind the part of a log that counts, and say where they end."""
        data = "".join(json.dumps(line, default=bytes.hex) + "\n" for line in lines).encode()
        with os.fdopen(os.open(self.file(key, "log"), os.O_RDWR | os.O_CREAT), "r+b") as file:
            file.seek(length)  # what lies behind was written by somebody who died before his head was replaced
            file.write(data)
            file.truncate()
        return length + len(data)

    def dead(self) -> list[SessionKey]:
        """The lives that have ended and were not freed yet."""
        return [SessionKey(*json.loads(mark.read_text())) for mark in self.path.glob("*.dead")]

    def bury(self, key: SessionKey) -> None:
        """Mark a life as dead."""
        self.replace(self.file(key.key, "dead"), key)

    def free(self, key: SessionKey) -> int:
        """Delete the files of a dead life; a child that lives on keeps its mark."""
        if not self.file(key.key, "dead").exists() or any(head.parent_key == key.key for head in self.heads()):
            return 0
        self._logs.pop(key.key, None)
        for file in self.path.glob(f"{key.key}.*"):
            file.unlink()
        return 1


class FileStore:
    """``Store`` over a folder."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path)

    async def flush(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        """Each write is judged by the rules, and becomes durable when its head is replaced."""
        return await self._folder.locked(lambda: [self._write(write) for write in writes])

    def _write(self, write: Write) -> Outcome:
        head, length = self._folder.head(write.ref)
        log = self._folder.log(head, length)
        known = {row.id: row for row in log.span(Span(ids=tuple(row.id for row in write.rows)))}
        removable = sum(write.remove.holds(seq) for seq in log.rows) if write.remove else 0
        verdict = judge(write, head, known, removable)
        if not isinstance(verdict, Plan):
            return verdict
        self._carry_out(write, verdict, head, length)
        return verdict.done

    def _carry_out(self, write: Write, plan: Plan, old: Head | None, length: int) -> None:
        new, folder = plan.done.head, self._folder
        if plan.bury:
            folder.bury(plan.bury)
        if plan.bury and not plan.create:
            folder.head_file(write.ref).unlink()
            return
        if plan.create:
            length = 0
        if plan.append or write.remove:
            removal = [["remove", *write.remove]] if write.remove else []
            length = folder.append(new.key.key, length, [*removal, *(["message", *row] for row in plan.append)])
        if plan.body is not None:
            folder.file(new.key.key, f"state.{new.version}").write_text(plan.body, encoding="utf-8")
        folder.replace(folder.head_file(write.ref), [new, length])
        if plan.body is not None and old and not plan.create:
            folder.file(old.key.key, f"state.{old.version}").unlink()

    async def heads(self, refs: Sequence[Ref], *, state: bool) -> Sequence[Head | None]:
        """The heads of these names."""

        def read(ref: Ref) -> Head | None:
            head, _ = self._folder.head(ref)
            return self._folder.with_body(head) if head and state else head

        return await self._folder.locked(lambda: [read(ref) for ref in refs])

    async def rows(self, key: SessionKey, span: Span) -> Sequence[Row] | None:
        """Rows of one life, under the same lock as its head."""

        def read() -> Sequence[Row] | None:
            head, length = self._folder.head(key.ref)
            return self._folder.log(head, length).span(span) if head and head.key == key else None

        return await self._folder.locked(read)

    async def find(self, query: HeadQuery) -> Found:
        """One page of heads; all of them are looked at, since a folder has no index."""

        def place(head: Head) -> Position:
            return Position(head.updated_at if query.by_activity else head.created_at, head.key.id)

        def behind(head: Head) -> bool:
            if query.begin is None:
                return True
            return place(head) < query.begin if query.by_activity else place(head) > query.begin

        def look() -> Found:
            fitting = [head for head in self._folder.heads() if fits(head, query) and behind(head)]
            page = sorted(fitting, key=place, reverse=query.by_activity)[: query.limit]
            more = place(page[-1]) if len(fitting) > len(page) else None
            return Found([self._folder.with_body(head) for head in page] if query.with_state else page, more)

        return await self._folder.locked(look)

    async def free(self, key: SessionKey, *, limit: int) -> int:
        """Delete what a dead life left: a few files, however long it was."""
        del limit
        return await self._folder.locked(lambda: self._folder.free(key))

    async def sweep(self, *, tenant: str | None, limit: int, now: int) -> int:
        """End what has expired and what hangs below the dead; then free the dead, the youngest first."""

        def sweep() -> int:
            dead = self._folder.dead()
            known = len(dead)
            for head in self._folder.heads():
                below = head.parent_key in {key.key for key in dead}
                mine = tenant in (None, head.key.tenant) and head.fence is None
                if mine and (head.dead(now) or below) and len(dead) - known < limit:
                    self._folder.bury(head.key)
                    self._folder.head_file(head.key.ref).unlink()
                    dead.append(head.key)
            mine_dead = [key for key in reversed(dead) if tenant in (None, key.tenant)]
            return len(dead) - known + sum(map(self._folder.free, mine_dead[:limit]))

        return await self._folder.locked(sweep)

    async def initialize(self, *, create: bool, migrate: bool) -> Facts:
        """Create the folder, if that is asked for."""
        del migrate  # there is one schema yet
        lock = self._folder.path / "lock"
        if not create and not lock.exists():
            raise ConfigurationError("There is no store in this folder, and create=False.")
        self._folder.path.mkdir(parents=True, exist_ok=True)
        lock.touch()
        return Facts(CAPABILITIES, Durability.PROCESS)  # nothing is synced: the loss of power may take it

    async def ping(self) -> None:
        """Whether the folder is there."""
        await self._folder.locked(lambda: None)

    async def aclose(self) -> None:
        """Nothing stays open."""


def read_head(text: str) -> tuple[Head, int]:
    """A head and the length of its log, as they were written."""
    try:
        (key, *columns, recent, digest, body), length = json.loads(text)
        turns = [Recent(turn, part, bytes.fromhex(said), *numbers) for turn, part, said, *numbers in recent]
    except ValueError as error:
        raise CorruptRecord("a head that is none.") from error
    return Head._make([SessionKey(*key), *columns, tuple(turns), bytes.fromhex(digest), body]), length


def fits(head: Head, query: HeadQuery) -> bool:
    """Whether a head is asked for; its place in the walk aside."""
    top = query.nested or head.parent_key is None
    return (
        head.key.tenant == query.tenant
        and query.user_id in (None, head.user_id)
        and query.agent in (None, head.agent)
        and query.status in (None, head.status)
        and (top if query.parent_key is None else head.parent_key == query.parent_key)
        and (query.updated_before is None or head.updated_at < query.updated_before)
        and (query.include_expired or not head.dead(query.now))
    )


def translate(error: Exception, running: Operation) -> HoldfastError | None:
    """What the driver's errors mean; here the driver is the operating system."""
    if not isinstance(error, OSError):
        return None
    said = f"The folder cannot be used ({type(error).__name__}, errno {error.errno})."
    if running.phase is Phase.SENT:
        return OutcomeUnknown(said, turn_id=running.turn_id)
    return BackendUnavailable(said)


class FileAdapter(StoreAdapter):
    """Sessions in a folder of one machine."""

    def __init__(self, folder: str | os.PathLike[str], **options: Unpack[CommonOptions]) -> None:
        super().__init__(FileStore(Path(folder)), translate=translate, options=options)


async def main(folder: Path) -> None:
    """Store a chat, close, open again, and read it."""
    async with FileAdapter(folder) as adapter:
        manager = PersistenceManager(adapter)
        async with manager.session("support-42") as session, session.turn() as turn:
            turn.add("user", "Hello!")
            session.data["visits"] = 1
    async with FileAdapter(folder) as adapter:
        for message in await PersistenceManager(adapter).history("support-42"):
            print(message.seq, message.role, message.text)


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        asyncio.run(main(Path(temporary)))
