"""Where the CPU of a poll goes.

    python -m benchmarks.profile [unchanged|changed|trigger|bare|...] [--pause 0.03] [--sort tottime]

cProfile makes calls of Python dearer than what C does, so read its shares with care: the first line says what a poll
takes without it.
"""

import argparse
import asyncio
import cProfile
import pstats
from collections.abc import Sequence

from .server import serving
from .turns import POLLS, measure, take_turns

_WATCHES, _SECONDS = 16, 3.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Poll for some seconds without and with the profiler, and print its statistics."""
    parser = argparse.ArgumentParser(prog="benchmarks.profile", description=__doc__.partition("\n")[0])
    parser.add_argument("who", nargs="?", choices=POLLS, default="unchanged")
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between two polls of a watch")
    parser.add_argument("--sort", choices=("tottime", "cumulative"), default="tottime")
    parser.add_argument("--lines", type=int, default=45)
    given = parser.parse_args(arguments)
    with serving() as origin:
        size = {"watches": _WATCHES, "pause": given.pause, "seconds": _SECONDS, "rounds": 1}
        bare, plain = (measure(origin, [who], **size)[who][0] for who in ("bare", given.who))
        print(f"a poll of {given.who!r}: {1e6 * plain:.0f} us; bare: {1e6 * bare:.0f} us")
        with cProfile.Profile() as profile:
            asyncio.run(take_turns(origin, [given.who], **size))
    pstats.Stats(profile).sort_stats(given.sort).print_stats(given.lines)


if __name__ == "__main__":
    main()
