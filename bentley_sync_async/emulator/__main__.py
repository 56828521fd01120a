"""`python -m bentley_sync_async.emulator`: serve until Ctrl-C, after printing how to call the emulator."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
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

With this package:

  export BENTLEY_SYNC_BASE_URL={url} BENTLEY_SYNC_ISSUER={url}
  export BENTLEY_SYNC_CLIENT_ID={client_id} BENTLEY_SYNC_CLIENT_SECRET={client_secret}

The programs of the README also need a connection to run, and an iModel and a file for a new connection:

  export CONNECTION_ID={connection_id}
  export IMODEL_ID={free_imodel_id}
  export STORAGE_FILE_ID={free_file_id}
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
        anyio.run(_serve, Emulator(scenario=args.scenario, port=args.port, state=args.state, **options))
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
    return parser


async def _serve(emulator: Emulator) -> None:
    async with emulator:
        if sys.platform == "win32":  # pragma: no cover - no signal receivers; Ctrl-C interrupts the sleep
            _print_banner(emulator)
            await anyio.sleep_forever()
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            _print_banner(emulator)
            await anext(signals)
    _write("Stopped.\n")


def _print_banner(emulator: Emulator) -> None:
    imodel_id, free_imodel_id = emulator.new_imodel_id(), emulator.new_imodel_id()
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
            connection_id=emulator.add_connection(display_name="Bridge"),
            free_imodel_id=free_imodel_id,
            free_file_id=emulator.new_storage_file_id("Station.dgn", imodel_id=free_imodel_id),
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
