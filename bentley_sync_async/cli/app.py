"""The commands with their options and help; the work is imported when a command runs."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import typer

import bentley_sync_async as package

from .clients import make_client
from .exit_codes import WORST, WORST_PUBLISH, ExitCode
from .nouns.auth import auth
from .nouns.profile import profile
from .verbs.group import root_app

# Typer keeps the line breaks of a paragraph that begins with \b.
_EXIT_CODES = "\n".join(["\b", "Exit codes:", *(f"{code:>5}  {code.meaning}" for code in ExitCode)])
_RUN_URL = """\
The URL of a run is the root of the API (https://api.bentley.com) and
/synchronization/imodels/storageconnections/CONNECTION_ID/runs/RUN_ID
Each event of --json has both ids in its ref."""

app = root_app(
    name="bentley-sync",
    help="Trigger synchronizations of iTwin storage connections and follow them to their end.",
    epilog=_EXIT_CODES,
)

app.add_typer(auth, name="auth")
app.add_typer(profile, name="profile")

Timeout = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Give up after so many seconds; the run goes on.", min=0.001)
]
WhenActive = Annotated[
    Literal["join", "rerun"],
    typer.Option(help="When a run of the connection is active: follow it, or run again after it."),
]
ConnectionTimeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Give up a connection after so many seconds; its run goes on.", min=0.001),
]
RetryFailed = Annotated[
    int,
    typer.Option(metavar="N", help="Run a connection again that failed for a transient cause, up to N times.", min=0),
]
Journal = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Record in this file what was done; the same command then continues."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object an event, and nothing else.")]


def _version(wanted: bool) -> None:  # noqa: FBT001 - how typer calls it
    if wanted:
        print(package.__version__)
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show each request of a noun's verb, on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show all records of the client, on stderr.")] = False,
) -> None:
    del version, verbose, debug  # the verbs read the latter two


@app.command(epilog=_EXIT_CODES, short_help="Show a synchronization happen, on an emulator.")
def demo() -> None:
    """Show a synchronization happen: three connections, on an emulator of the service in this process."""
    from .commands.demo import run_demo  # noqa: PLC0415 - only the demo needs the emulator

    raise typer.Exit(run_demo())


@app.command(epilog=_EXIT_CODES, short_help="Run a connection and follow the run.")
def run(
    connection_id: Annotated[str, typer.Argument(metavar="CONNECTION_ID", help="The storage connection.")],
    *,
    timeout: Timeout = None,
    when_active: WhenActive = "join",
    when_busy: Annotated[
        Literal["wait", "join", "fail"],
        typer.Option(
            help="When another connection's run is active on the iModel: wait for its end, follow it, or fail."
        ),
    ] = "wait",
    json: Json = False,
) -> None:
    """Run a connection of the service that the variables or the profile name, and follow the run to its end."""
    from .commands.run import Follower  # noqa: PLC0415 - the help is quick without it

    follower = Follower(
        make_client=make_client,
        open_watch=lambda client: client.watch(
            connection_id, timeout=timeout, when_active=when_active, when_busy=when_busy
        ),
        arguments=[
            *("run", connection_id),
            *(("--timeout", f"{timeout:g}") if timeout is not None else ()),
            *(("--when-active", when_active) if when_active != "join" else ()),
            *(("--when-busy", when_busy) if when_busy != "wait" else ()),
            *(("--json",) if json else ()),
        ],
        json=json,
    )
    raise typer.Exit(follower.run())


@app.command(epilog=f"\b\n{_RUN_URL}\n\n{_EXIT_CODES}")
def attach(
    run_url: Annotated[str, typer.Argument(metavar="RUN_URL", help="The run, as `bentley-sync run` prints it.")],
    *,
    timeout: Timeout = None,
    json: Json = False,
) -> None:
    """Follow an existing run, without triggering anything."""
    from .commands.run import Follower  # noqa: PLC0415 - the help is quick without it

    follower = Follower(
        make_client=make_client,
        open_watch=lambda client: client.attach(run_url, timeout=timeout),
        arguments=["attach", run_url],
        hint=_RUN_URL,
        json=json,
    )
    raise typer.Exit(follower.run())


@app.command(epilog=f"{WORST}\n\n{_EXIT_CODES}")
def bulk(
    context: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE|-", help="The ids: one a line, or a CSV file with their column; - for stdin."),
    ] = None,
    *,
    imodel: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Every storage connection of this iModel; may be repeated.")
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The column of the ids, if not connectionId, connection_id or id."),
    ] = None,
    journal: Journal = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and trigger nothing.")] = False,
    concurrency: Annotated[int, typer.Option(metavar="N", help="Runs at a time.", min=1)] = 50,
    per_itwin: Annotated[
        int | None, typer.Option("--per-itwin", metavar="N", help="Runs at a time of one iTwin.", min=1)
    ] = None,
    when_active: WhenActive = "join",
    timeout: ConnectionTimeout = None,
    retry_failed: RetryFailed = 0,
    json: Json = False,
    junit: Annotated[
        str | None, typer.Option(metavar="PATH", help="Write JUnit XML at the end: a test for each connection.")
    ] = None,
) -> None:
    """Run many connections, each once, and one at a time on each iModel."""
    from .commands.bulk import Bulk  # noqa: PLC0415 - the help is quick without it

    work = Bulk(
        make_client=make_client,
        open_bulk=lambda client, ids: client.run_many(
            ids,
            imodel_ids=imodel or (),
            concurrency=concurrency,
            per_itwin=per_itwin,
            journal=journal,
            when_active=when_active,
            timeout=timeout,
            retry_failed=retry_failed,
        ),
        arguments=given(context),
        file=file,
        column=column,
        imodels=len(imodel or ()),
        has_journal=journal is not None,
        junit=junit,
        dry_run=dry_run,
        json=json,
    )
    raise typer.Exit(work.run())


@app.command(epilog=f"{WORST_PUBLISH}\n\n{_EXIT_CODES}", short_help="Bring an iModel up to date with local files.")
def publish(
    context: typer.Context,
    manifest: Annotated[
        str, typer.Argument(metavar="MANIFEST", help="Which files belong to which iModel, such as publish.toml.")
    ],
    *,
    journal: Journal = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove files that are gone locally from the iModel and from Storage.")
    ] = False,
    uploads: Annotated[int, typer.Option(metavar="N", help="Files that are uploaded at a time.", min=1)] = 4,
    limit_rate: Annotated[
        str | None, typer.Option(metavar="BYTES", help="Upload so many bytes a second at the most, such as 500K or 2M.")
    ] = None,
    timeout: ConnectionTimeout = None,
    retry_failed: RetryFailed = 0,
    json: Json = False,
    junit: Annotated[
        str | None, typer.Option(metavar="PATH", help="Write JUnit XML at the end: a test for each file and run.")
    ] = None,
    reports: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Save the diagnostic reports of files that could not be synchronized."),
    ] = None,
) -> None:
    """Bring an iModel up to date with local files: upload what has changed, and run its connections."""
    from .commands.publish import Publish, bytes_of  # noqa: PLC0415 - the help is quick without it

    work = Publish(
        make_client=make_client,
        open_publish=lambda client: client.publish(
            manifest,
            journal=journal,
            prune=prune,
            uploads=uploads,
            bytes_per_second=bytes_of(limit_rate),
            timeout=timeout,
            retry_failed=retry_failed,
        ),
        arguments=given(context),
        has_journal=journal is not None,
        junit=junit,
        reports=reports,
        dry_run=dry_run,
        json=json,
    )
    raise typer.Exit(work.run())


@app.command(epilog=_EXIT_CODES, short_help="Show the quota and what is left of it.")
def budget(
    *, json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False
) -> None:
    """Send one request, and show the quota and what is left of it."""
    from .commands.budget import show_budget  # noqa: PLC0415 - the help is quick without it

    once = partial(make_client, retry=package.RetryPolicy(attempts=1))
    raise typer.Exit(show_budget(once, json=json))


def given(context: typer.Context) -> list[str]:
    """Return the command and its arguments as the user gave them; defaults are left out."""
    arguments = [context.info_name or ""]
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if value in (None, False, parameter.get_default(context)):
            continue
        option = [] if parameter.param_type_name == "argument" else [parameter.opts[0]]
        for one in value if isinstance(value, list | tuple) else [value]:
            arguments += option if one is True else [*option, str(one)]
    return arguments
