"""`python -m bentley_sync_async.emulator`: serve until Ctrl-C, after printing how to call the emulator."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from shlex import quote
from typing import get_args

import anyio

from bentley_sync_async.errors import ConfigurationError

from .server import Emulator
from .settings import Options, Tier

_BANNER = """\
A Synchronization API on {url} (tier {tier}, speed {speed:g}). Ctrl-C stops it.

  client id      {client_id}
  client secret  {client_secret}
  access token   {token}

With curl:

  TOKEN={token}
  API={url}/synchronization/imodels/storageconnections
  curl -s $API -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{{
    "displayName": "First light", "iModelId": "{imodel_id}", "authenticationType": "Service",
    "sourceFiles": [{{"storageFileId": "{file_id}", "connectorType": "MSTN"}}]}}'
  CONNECTION=...  # the id in the answer
  curl -si -X POST $API/$CONNECTION/run -H "Authorization: Bearer $TOKEN"
  curl -s $API/$CONNECTION/runs -H "Authorization: Bearer $TOKEN" -H "Prefer: return=representation"
  curl -s {url}/connect/token -d grant_type=client_credentials -d scope=itwin-platform \\
    -d client_id={client_id} -d client_secret={client_secret}

People sign in at the application {native_client_id}, which has no secret, as anybody they like.

For this package, the official command line (itp), and the programs of the README, which need a connection to run, and
an iModel and a file for a new connection:

{exports}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status."""
    args = _parser().parse_args(argv)
    options = Options()
    if args.speed is not None:
        options["speed"] = args.speed
    if args.tier is not None:
        options["tier"] = args.tier
    if args.strict:
        options["strict"] = True
    try:
        serve = partial(_serve, exports=args.exports)
        anyio.run(serve, Emulator(scenario=args.scenario, port=args.port, state=args.state, **options))
    except ConfigurationError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    except KeyboardInterrupt:  # on Windows, which has no signal receivers
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bentley_sync_async.emulator",
        description="Serve an emulated iTwin Synchronization API on a loopback port.",
    )
    parser.add_argument("--port", type=int, default=0, help="the port (default: a free one)")
    parser.add_argument("--speed", type=float, help="seconds of a run that pass in one second (default: 1)")
    parser.add_argument("--scenario", metavar="FILE", help="a TOML file that scripts runs and faults")
    parser.add_argument("--tier", choices=get_args(Tier), help="the rate limit tier (default: standard)")
    parser.add_argument("--strict", action="store_true", help="connections can only name iModels and files that exist")
    parser.add_argument("--state", metavar="DIR", help="keep everything in this folder over restarts")
    parser.add_argument(
        "--exports", action="store_true", help="print nothing but the export lines, for a shell to read"
    )
    return parser


async def _serve(emulator: Emulator, *, exports: bool = False) -> None:
    async with emulator:
        if sys.platform == "win32":  # pragma: no cover - no signal receivers; Ctrl-C interrupts the sleep
            _print_ready(emulator, exports=exports)
            await anyio.sleep_forever()
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            _print_ready(emulator, exports=exports)
            await anext(signals)
    if not exports:
        _write("Stopped.\n")


def _print_ready(emulator: Emulator, *, exports: bool) -> None:
    if exports:
        _write("\n".join([*_exports(emulator), ""]))
    else:
        _print_banner(emulator)


def _exports(emulator: Emulator) -> list[str]:
    """Return lines that a shell can run; both packages sign in by themselves with what they say."""
    imodel_id = emulator.new_imodel_id()
    lines = (
        {"BENTLEY_SYNC_BASE_URL": emulator.url, "BENTLEY_SYNC_ISSUER": emulator.url},
        {"BENTLEY_SYNC_CLIENT_ID": emulator.client_id, "BENTLEY_SYNC_CLIENT_SECRET": emulator.client_secret},
        {"ITP_API_URL": emulator.url, "ITP_ISSUER_URL": emulator.url},
        {"ITP_SERVICE_CLIENT_ID": emulator.client_id, "ITP_SERVICE_CLIENT_SECRET": emulator.client_secret},
        {"CONNECTION_ID": emulator.add_connection(display_name="Bridge")},
        {"IMODEL_ID": imodel_id},
        {"STORAGE_FILE_ID": emulator.new_storage_file_id("Station.dgn", imodel_id=imodel_id)},
    )
    return [" ".join(["export", *(f"{name}={quote(text)}" for name, text in line.items())]) for line in lines]


def _print_banner(emulator: Emulator) -> None:
    imodel_id = emulator.new_imodel_id()
    _write(
        _BANNER.format(
            url=emulator.url,
            tier=emulator.settings.tier,
            speed=emulator.settings.speed,
            client_id=emulator.client_id,
            client_secret=emulator.client_secret,
            token=emulator.token(),
            imodel_id=imodel_id,
            file_id=emulator.new_storage_file_id("First light.dgn", imodel_id=imodel_id),
            native_client_id=emulator.settings.native_client_id,
            exports="\n".join(f"  {line}" for line in _exports(emulator)),
        )
    )


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output has gone; keep serving
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
