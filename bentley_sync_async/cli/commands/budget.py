"""`bentley-sync budget`: what may be sent, as far as one request finds out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import anyio
from attrs import evolve

from bentley_sync_async import (
    RateLimitedError,
    SynchronizationClient,
    SynchronizationError,
    UnprocessableError,
)
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error
from bentley_sync_async.cli.formatting.budget import WHOSE, budget_text, exhausted, refusal_words
from bentley_sync_async.cli.shutdown import DETACHING, code_of_leaving, say, until_terminated
from bentley_sync_async.cli.views.bulk import whole_to_json


def show_budget(make_client: Callable[[], SynchronizationClient], *, json: bool) -> ExitCode:
    """Ask the service once and show what the client knows then; return the exit code.

    Args:
        make_client: Makes the client; one that does not retry, for a 429 is an answer here.
        json: Whether it is printed as JSON.
    """
    try:
        return anyio.run(until_terminated, partial(_show, make_client, json=json))
    except DETACHING as left:
        return code_of_leaving(left)
    except SynchronizationError as error:
        say(str(error))
        return code_of_error(error)


async def _show(make_client: Callable[[], SynchronizationClient], *, json: bool) -> ExitCode:
    async with make_client() as client:
        refusal = await _ask(client)
        use = client.budget
        if refusal is not None:  # a tier that was named just now does not tell the client what others have spent of it
            name = exhausted(refusal)
            use = evolve(use, **{name: evolve(getattr(use, name), left=0)})
        print(whole_to_json(use) if json else f"{budget_text(use, given=client.config.rate_tier)}\n{WHOSE}", flush=True)
    if refusal is None:
        return ExitCode.SUCCESS
    say(refusal_words(refusal, now=datetime.now(UTC).astimezone()))
    return code_of_error(refusal)


async def _ask(client: SynchronizationClient) -> RateLimitedError | None:
    """Send a request that needs no id; return the 429 that came, if one did."""
    try:
        await client.authorization.get()
    except RateLimitedError as refusal:
        return refusal
    except UnprocessableError:
        pass  # an earlier version of the service, which wants a redirectUrl; its answer tells as much
    return None
