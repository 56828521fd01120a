"""The nightly job, which kills itself at the nth time that it comes to a certain point."""

import asyncio
import os
import signal
import sys
from itertools import count
from typing import Any, NoReturn

import nightly

from bentley_sync_async.bulk.journal.sqlite_file import JournalFile
from bentley_sync_async.models import TriggeredRun
from bentley_sync_async.resources.synchronization.runs import Runs

POINT, NUMBER = sys.argv[3], int(sys.argv[4])
MIDWAY = 0.05  # seconds; the emulator takes longer for the answer
NOTES, TRIGGERS = count(1), count(1)


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def dying_commit(self: JournalFile, commit: Any = JournalFile._commit) -> None:
    due = next(NOTES) == NUMBER
    if due and POINT == "before a note":
        die()
    if due and POINT == "in a note":
        self._waiting[-1].work = die
    commit(self)
    if due and POINT == "after a note":
        die()


async def dying_trigger(self: Runs, connection_id: str, trigger: Any = Runs.trigger, **options: Any) -> TriggeredRun:
    due = next(TRIGGERS) == NUMBER
    if due and POINT == "while a trigger is on its way":
        asyncio.get_running_loop().call_later(MIDWAY, die)
    triggered: TriggeredRun = await trigger(self, connection_id, **options)
    if due and POINT == "after the answer to a trigger":
        die()
    return triggered


JournalFile._commit = dying_commit  # type: ignore[method-assign]
Runs.trigger = dying_trigger  # type: ignore[method-assign]
asyncio.run(nightly.main(sys.argv[1], sys.argv[2]))
