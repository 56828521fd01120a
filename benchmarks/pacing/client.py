"""The real client against an emulator that enforces the Community tier, in virtual time: a thousand watches at once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from math import exp, log
from random import Random

import anyio
import looptime
from aiohttp import web
from attrs import frozen

from bentley_sync_async import RateTier, SynchronizationClient
from bentley_sync_async.emulator import Emulator, FileRule, RunRule
from bentley_sync_async.integrations.webhooks import webhook_handler
from bentley_sync_async.pacing import CompletionNotifier

from .crowd import most
from .optimum import best_fixed
from .workloads import Case

SHORTEST, LONGEST = 300.0, 3600.0  # seconds that a run takes
START = datetime(2030, 1, 1, tzinfo=UTC)
_SECRET = "a secret of the benchmark's own, at least 32 long"
_TOO_MANY = 429
_TOLD_AFTER = 1.0  # seconds from the end of a run to its webhook


@frozen(kw_only=True)
class Night:
    """What came of it.

    Attributes:
        watches: How many there were.
        notified: Whether webhooks reported the ends.
        minute: The most requests in any minute.
        hour: The most requests in any hour.
        refused: Answers of 429.
        spent: What the requests were for.
        polls: Polls a run.
        delays: Seconds from each end until it was noticed.
        took: Seconds until all had ended.
        fixed: The best fixed interval's mean delay for as many polls.
    """

    watches: int
    notified: bool
    minute: int
    hour: int
    refused: int
    spent: Counter[str]
    polls: float
    delays: tuple[float, ...]
    took: float
    fixed: float

    @property
    def delay(self) -> float:
        """The mean delay in seconds."""
        return sum(self.delays) / len(self.delays)

    def text(self) -> str:
        """Return it in a sentence."""
        how = "reported by webhooks" if self.notified else "found by polling"
        return (
            f"* {self.watches:,} watches, ends {how}: at most {self.minute} requests in a minute and {self.hour:,} in "
            f"an hour, {self.refused} answers of 429, {len(self.delays):,} ends noticed within {self.took / 60:.0f} "
            f"minutes; {self.spent['trigger']:,} triggers, {self.spent['history']:,} histories, {self.polls:.2f} "
            f"polls a run; mean delay {self.delay:.1f} s, the longest {max(self.delays):.0f} s; the best fixed "
            f"interval's for as many polls: {self.fixed:.0f} s.\n"
        )


def night(watches: int = 1000, *, notified: bool = False, share: float = 1.0, past: int = 5) -> Night:
    """Watch as many runs at once, within a share of the tier that the emulator enforces."""
    random.seed("night")  # what spreads the polls of the watches
    with asyncio.Runner(loop_factory=partial(looptime.new_event_loop, start=0)) as runner:
        return runner.run(watched(watches, notified=notified, share=share, past=past))


async def watched(watches: int, *, notified: bool, share: float, past: int) -> Night:
    """Do so in virtual time; see `night`."""
    cases = _cases(watches, past)
    tier = RateTier(name="Own", per_minute=round(500 * share), per_hour=round(5000 * share))
    async with _emulator(tier) as emulator:
        connections = await _connections(emulator, cases)
        began, before = anyio.current_time(), len(emulator.requests)
        delays: list[float] = []
        notifier = CompletionNotifier() if notified else None
        async with (
            _webhooks(emulator, notifier),
            SynchronizationClient(
                emulator.token(lifetime=1e9), base_url=emulator.url, rate_tier=tier, completions=notifier
            ) as client,
            anyio.create_task_group() as group,
        ):

            async def watch(connection_id: str) -> None:
                run = await client.watch(connection_id).result()
                assert run.end_date_time is not None
                delays.append(anyio.current_time() - (run.end_date_time - START).total_seconds())

            for connection_id in connections:
                group.start_soon(watch, connection_id)
        requests = emulator.requests[before:]
        took = anyio.current_time() - began
    instants = sorted(request.time for request in requests)
    spent = Counter(_what(request.method, request.path) for request in requests)
    polls = spent["poll"] / watches
    return Night(
        watches=watches,
        notified=notified,
        minute=most(instants, 60),
        hour=most(instants, 3600),
        refused=sum(request.status == _TOO_MANY for request in requests),
        spent=spent,
        polls=polls,
        delays=tuple(delays),
        took=took,
        fixed=best_fixed(cases, polls).delay,
    )


def _cases(count: int, past: int) -> list[Case]:
    chance = Random("night")

    def bounded(seconds: float) -> float:
        return min(max(seconds, SHORTEST), LONGEST)

    scales = [exp(chance.uniform(log(SHORTEST), log(LONGEST))) for _ in range(count)]
    return [
        Case(
            past=tuple(bounded(scale * chance.lognormvariate(0, 0.3)) for _ in range(past)),
            duration=bounded(scale * chance.lognormvariate(0, 0.3)),
            scale=scale,
        )
        for scale in scales
    ]


@asynccontextmanager
async def _emulator(tier: RateTier) -> AsyncIterator[Emulator]:
    limits = {"per_minute": tier.per_minute, "per_hour": tier.per_hour}
    async with Emulator(
        start=START, error_rate=0, retry_rate=0, accept_window=0, tier="community", **limits
    ) as emulator:
        emulator.add_run_rule(RunRule(queued=0, waiting=0, preprocessing=0, references=0, finalizing=0))
        yield emulator


async def _connections(emulator: Emulator, cases: list[Case]) -> list[str]:
    """Return as many connections, after their past runs."""
    connections = [emulator.add_connection() for _ in cases]
    rule = emulator.add_file_rule(FileRule(queued=0))
    for nth in range(max(len(case.past) for case in cases)):
        for connection_id, case in zip(connections, cases, strict=True):
            rule.duration = (case.past[nth], case.past[nth])
            emulator.start_run(connection_id)
        await anyio.sleep(LONGEST + 60)
    rule.duration = None
    for connection_id, case in zip(connections, cases, strict=True):
        emulator.add_file_rule(FileRule(connection_id=connection_id, duration=case.duration))
    return connections


@asynccontextmanager
async def _webhooks(emulator: Emulator, notifier: CompletionNotifier | None) -> AsyncIterator[None]:
    """Have webhooks report the ends, if so configured."""
    if notifier is None:
        yield
        return

    def now() -> datetime:
        return START + timedelta(seconds=anyio.current_time())

    app = web.Application()
    app.router.add_post("/hook", webhook_handler(notifier, secret=_SECRET, now=now))
    receiver = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await receiver.setup()
    try:
        await web.TCPSite(receiver, "127.0.0.1", 0).start()
        url = "http://{}:{}/hook".format(*receiver.addresses[0][:2])
        async with emulator.webhook(url, _SECRET, delay=_TOLD_AFTER):
            yield
    finally:
        await receiver.cleanup()


def _what(method: str, path: str) -> str:
    return "trigger" if method == "POST" else "history" if path.endswith("/runs") else "poll"
