"""`bentley-sync auth`: sign in, see who is signed in, sign out, and consent."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from bentley_sync_async.cli.verbs.quick_group import QuickGroup

auth = typer.Typer(cls=QuickGroup, help="Sign in with a browser, and see who commands work for.", no_args_is_help=True)

Browser = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page in a browser; otherwise print its URL only.")
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for the person.", min=1)]


@auth.command(
    epilog="""\b
Examples:
  bentley-sync auth login --client-id native-0123456789
  bentley-sync auth login --no-browser"""
)
def login(
    *,
    client_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The native application, as it is registered; the profile then has it."),
    ] = None,
    redirect_uri: Annotated[
        str | None,
        typer.Option(metavar="URI", help="The redirect URI that is registered for it; without a port, any is used."),
    ] = None,
    browser: Browser = True,
    timeout: Timeout = 300.0,
) -> None:
    """Sign in with a browser, and keep the tokens in the system's keyring."""
    from bentley_sync_async.cli.commands.auth import log_in
    from bentley_sync_async.cli.commands.ending import to_exit_code

    work = partial(log_in, client_id, redirect_uri, browser=browser, timeout=timeout)
    raise typer.Exit(to_exit_code(work))


@auth.command(
    epilog="""\b
Examples:
  bentley-sync auth status
  bentley-sync auth status --json"""
)
def status(
    *, json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False
) -> None:
    """Ask the service whether the credentials work, and show whose they are, until when, and what they allow."""
    from bentley_sync_async.cli.commands.auth import show_status
    from bentley_sync_async.cli.commands.ending import to_exit_code

    raise typer.Exit(to_exit_code(partial(show_status, json=json)))


@auth.command(
    epilog="""\b
Examples:
  bentley-sync auth logout
  BENTLEY_SYNC_PROFILE=qa bentley-sync auth logout"""
)
def logout() -> None:
    """Sign out: delete the tokens here, and revoke them at the issuer."""
    from bentley_sync_async.cli.commands.auth import log_out
    from bentley_sync_async.cli.commands.ending import to_exit_code

    raise typer.Exit(to_exit_code(log_out))


@auth.command(
    epilog="""\b
Examples:
  bentley-sync auth consent
  bentley-sync auth consent --no-browser --timeout 600"""
)
def consent(*, browser: Browser = True, timeout: Timeout = 300.0) -> None:
    """Let the service work for you, which runs of User connections need, and wait until you have consented."""
    from bentley_sync_async.cli.commands.auth import give_consent
    from bentley_sync_async.cli.commands.ending import to_exit_code

    raise typer.Exit(to_exit_code(partial(give_consent, browser=browser, timeout=timeout)))
