"""The processes of the tests, and what they have noted."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from tests.manager.accounts import Account
from tests.manager.checks import Check, look

from holdfast_sqlite import SQLiteAdapter

PROGRAM = Path(__file__).parent / "programs" / "killed_worker.py"


class Workers:
    """Worker processes on one file; each of them keeps its number over its lives."""

    def __init__(self, forker, folder, seed):
        self.path = folder / "chat.db"
        self._notes = defaultdict(list)
        self._offsets = defaultdict(int)
        self._sessions = {}
        self._turns = {}  # how many may wait, and so be lost, by the life of a process
        self._forker = forker
        self._folder = folder
        self._seed = seed
        self._lives = count()
        self._pids = {}

    def _ask(self, **said):
        self._forker.stdin.write(json.dumps(said) + "\n")
        self._forker.stdin.flush()
        return int(self._forker.stdout.readline())

    def start(self, worker, shared, **options):
        """Let a worker live again; it begins with what it was asked and has not answered."""
        requests = [asked for asked in self.account(2).requests.values() if asked["turn"].startswith(f"{worker}.")]
        life = next(self._lives)
        journal = self._folder / f"{life:05}"
        self._sessions[journal] = shared
        if isinstance(options["autosave"], dict):
            self._turns[f"{life}"] = options["autosave"]["turns"]
        self._pids[worker] = self._ask(
            path=str(self.path),
            journal=str(journal),
            seed=self._seed,
            worker=worker,
            life=life,
            shared=shared,
            requests=requests,
            **options,
        )

    def kill(self, worker):
        os.kill(self._pids[worker], signal.SIGKILL)
        assert self.end(worker) == signal.SIGKILL, (
            f"a worker of seed {self._seed} ended by itself:\n{self.errors()}"
        )

    def end(self, worker):
        """Wait for its end."""
        return self._ask(reap=self._pids.pop(worker))

    def errors(self):
        """What the workers wrote that is no warning of a slow machine."""
        lines = (line for file in self._folder.glob("*.err") for line in file.read_text().splitlines())
        return "\n".join(line for line in lines if not line.startswith("Slow:"))

    def account(self, recent=None):
        """What was noted, by all or by those who shared one of so many newest sessions."""
        journals = [journal for journal, shared in self._sessions.items() if shared in self._newest(recent)]
        return Account(note for journal in journals for note in self._read(journal))

    def _newest(self, recent):
        return list(dict.fromkeys(reversed(self._sessions.values())))[:recent]

    def _read(self, journal):
        """All whole lines; what was read before is not read again."""
        if journal.exists():
            with journal.open("rb") as file:
                file.seek(self._offsets[journal])
                for line in file:
                    if line.endswith(b"\n"):  # a kill may cut the last one off
                        self._offsets[journal] += len(line)
                        self._notes[journal].append(json.loads(line))
        return self._notes[journal]

    async def check(self, recent=None):
        """Look at sessions with a fresh adapter, whoever writes meanwhile.

        Args:
            recent: Only at those of the workers who shared one of so many newest sessions.

        Returns:
            What does not go together, in words.
        """
        promised = self.account(recent)
        newest = self._newest(recent)
        sessions = sorted({step.at for step in promised.steps.values() if step.at.partition(" of ")[0] in newest})
        async with SQLiteAdapter(self.path) as adapter:
            seen = {session_id: await look(adapter, session_id) for session_id in sessions}
        account = self.account(recent)
        checks = [Check(account, promised, session_id, found) for session_id, found in seen.items()]
        lost = Counter(life.rpartition("-")[2] for check in checks for life, _ in check.lost())
        too_many = [
            f"{lost[life]} turns waited, and {turns} may"
            for life, turns in self._turns.items()
            if lost[life] > turns
        ]
        return [*(fault for check in checks for fault in check.faults()), *too_many]


@asynccontextmanager
async def workers(folder, seed):
    """Workers; those that live at the end are killed."""
    command = [sys.executable, "-W", "error", PROGRAM]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as forker:
        try:
            yield Workers(forker, folder, seed)
        finally:
            forker.stdin.close()
            await asyncio.to_thread(forker.wait)
