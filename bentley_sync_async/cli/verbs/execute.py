"""Runs a verb: a client, the work, its answer in the wanted format, and errors for people."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_args

from bentley_sync_async import InvalidArgumentError, SynchronizationClient, SynchronizationError
from bentley_sync_async.cli.clients import assumed, make_client
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.exit_status import code_of_error
from bentley_sync_async.cli.lookup import Lookup
from bentley_sync_async.cli.output.answers import Card, print_answer, print_records, print_single
from bentley_sync_async.cli.output.plain import parse_fields
from bentley_sync_async.cli.output.wanted import Format, Wanted
from bentley_sync_async.cli.shutdown import SHUTDOWN_ERRORS, code_of_shutdown, print_message, run_to_end

from .problems import explained
from .session import Done, Follow, Session
from .tracing import Level, TraceHook

if TYPE_CHECKING:
    from .noun import Verb


def execute(verb: Verb, given: dict[str, Any], common: dict[str, Any], *, trace: Level) -> ExitCode:
    """Run a verb and return the exit code.

    Args:
        verb: The verb.
        given: The arguments of its work.
        common: The options that it shares with others.
        trace: How much of its requests is shown.
    """
    try:
        wanted = wanted_output(common)
        answer = run_to_end(partial(_work, verb, given, common, wanted, trace))
    except SHUTDOWN_ERRORS as error:
        return code_of_shutdown(error)
    except SynchronizationError as error:
        print_message(str(error))
        return code_of_error(error)
    return answer if isinstance(answer, ExitCode) else _follow(answer, wanted, trace)


def wanted_output(common: dict[str, Any]) -> Wanted:
    """Return how the answer is printed, by the options of a command.

    Raises:
        InvalidArgumentError: The options contradict each other, or the assumed output is none.
    """
    fields = parse_fields(common["fields"])
    if common["quiet"] and common["output"] not in {None, "ids"}:
        raise InvalidArgumentError(f"-q prints ids, and -o {common['output']} does not: give one of them.")
    chosen = common["output"] or ("ids" if common["quiet"] else "json" if fields else None)
    if fields and chosen not in {"json", "tsv"}:
        raise InvalidArgumentError("--json FIELDS prints JSON, or with -o tsv columns; not ids or a table.")
    chosen = chosen or assumed("output") or "table"
    if chosen not in get_args(Format):
        raise InvalidArgumentError(f"The output is one of {', '.join(get_args(Format))}, not {chosen!r}.")
    return Wanted(format=cast("Format", chosen), fields=fields, limit=common.get("limit"))


async def _work(
    verb: Verb, given: dict[str, Any], common: dict[str, Any], wanted: Wanted, trace: Level
) -> ExitCode | Follow:
    async with make_client(hooks=(TraceHook(trace),)) as client:
        lookup = Lookup(client, common.get("itwin") or assumed("itwin"), common.get("imodel") or assumed("imodel"))
        session = Session(
            client=client,
            lookup=lookup,
            people=wanted.format == "table",
            yes=common.get("yes", False),
            web=common.get("web", False),
        )
        try:
            return await _answer(await verb.work(session, **given), wanted)
        except SynchronizationError as error:
            print_message(await explained(error, session))
            return code_of_error(error)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            print_message(f"{error.filename or 'A file'}: {error.strerror or error}.")
            return ExitCode.FILES


async def _answer(answer: object, wanted: Wanted) -> ExitCode | Follow:
    match answer:
        case Follow():
            return answer
        case Done():
            if wanted.format != "table" and len(answer.ids) == 1:
                print_single(Card({"id": answer.ids[0]}), wanted)
            elif wanted.format != "table":
                print_records([{"id": one} for one in answer.ids], wanted)
            print_message(answer.text)
        case _:
            await print_answer(answer, wanted)
    sys.stdout.flush()
    return ExitCode.SUCCESS


def _follow(follow: Follow, wanted: Wanted, trace: Level) -> ExitCode:
    from bentley_sync_async.cli.commands.run import Follower  # noqa: PLC0415 - most commands follow no run

    def client() -> SynchronizationClient:
        return make_client(hooks=(TraceHook(trace),) if trace else None)

    return Follower(
        make_client=client,
        open_watch=lambda opened: opened.attach(follow.ref),
        arguments=[],
        json=wanted.format == "json",
    ).run()
