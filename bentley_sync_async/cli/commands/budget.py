"""`bentley-sync budget`: the quota, as far as one request shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from attrs import evolve

from bentley_sync_async import RateLimitedError, SynchronizationClient, UnprocessableError
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error
from bentley_sync_async.cli.formatting.budget import WHOSE, budget_text, throttle_text
from bentley_sync_async.cli.shutdown import print_message
from bentley_sync_async.cli.views.background import named_json
from bentley_sync_async.transport import exhausted_window

from .ending import to_exit_code


def show_budget(make_client: Callable[[], SynchronizationClient], *, json: bool) -> ExitCode:
    """Send one request and print the budget of the client; return the exit code.

    Args:
        make_client: Makes a client without retries, as a 429 is an answer here.
        json: Whether to print JSON.
    """
    return to_exit_code(partial(_show, make_client, json=json))


async def _show(make_client: Callable[[], SynchronizationClient], *, json: bool) -> ExitCode:
    async with make_client() as client:
        refusal = await _request(client)
        use = client.budget
        if refusal is not None:  # the client does not know what others have spent
            name = exhausted_window(refusal.retry_after)
            use = evolve(use, **{name: evolve(getattr(use, name), left=0)})
        print(named_json(use) if json else f"{budget_text(use, given=client.config.rate_tier)}\n{WHOSE}", flush=True)
    if refusal is None:
        return ExitCode.SUCCESS
    print_message(throttle_text(refusal, now=datetime.now(UTC).astimezone()))
    return code_of_error(refusal)


async def _request(client: SynchronizationClient) -> RateLimitedError | None:
    """Send a request that needs no id; return the 429 if that is the answer."""
    try:
        await client.authorization.get()
    except RateLimitedError as refusal:
        return refusal
    except UnprocessableError:
        pass  # an earlier version of the service requires a redirectUrl; its answer has the same headers
    return None
