"""`bentley-sync profile`: named settings, which environment variables override."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from bentley_sync_async.cli.verbs.quick_group import QuickGroup

profile = typer.Typer(cls=QuickGroup, help="Keep settings of commands in named profiles.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]


@profile.command(
    "list",
    epilog="""\b
Examples:
  bentley-sync profile list
  bentley-sync profile list --json""",
)
def list_(*, json: Json = False) -> None:
    """List the profiles; the one that is used has a star."""
    from bentley_sync_async.cli.commands.ending import to_exit_code
    from bentley_sync_async.cli.commands.profile import list_profiles

    raise typer.Exit(to_exit_code(partial(list_profiles, json=json)))


@profile.command(
    epilog="""\b
Examples:
  bentley-sync profile use qa
  bentley-sync profile use default"""
)
def use(name: Annotated[str, typer.Argument(metavar="NAME", help="The profile.")]) -> None:
    """Use a profile from now on. The variable BENTLEY_SYNC_PROFILE chooses one for a shell."""
    from bentley_sync_async.cli.commands.ending import to_exit_code
    from bentley_sync_async.cli.commands.profile import use_profile

    raise typer.Exit(to_exit_code(partial(use_profile, name)))


@profile.command(
    "set",
    epilog="""\b
Examples:
  bentley-sync profile set tier community
  bentley-sync profile set --profile qa environment qa
  bentley-sync profile set --unset imodel""",
)
def set_(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="environment, base_url, issuer, tier, client_id, redirect_uri, itwin, imodel or output.",
        ),
    ],
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="The value.")] = None,
    *,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another profile than the one in use; made if it is not there.")
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Remove the setting instead.")] = False,
) -> None:
    """Write a setting of a profile. Comments in the file are kept."""
    if (value is None) != unset:
        raise typer.BadParameter("Give a VALUE, or --unset without one.", param_hint="VALUE")
    from bentley_sync_async.cli.commands.ending import to_exit_code
    from bentley_sync_async.cli.commands.profile import set_in_profile

    raise typer.Exit(to_exit_code(partial(set_in_profile, key, value, profile)))


@profile.command(
    epilog="""\b
Examples:
  bentley-sync profile show
  BENTLEY_SYNC_PROFILE=qa bentley-sync profile show --json"""
)
def show(*, json: Json = False) -> None:
    """Show each setting, its value (secrets are hidden) and where it comes from."""
    from bentley_sync_async.cli.commands.ending import to_exit_code
    from bentley_sync_async.cli.commands.profile import show_profile

    raise typer.Exit(to_exit_code(partial(show_profile, json=json)))
