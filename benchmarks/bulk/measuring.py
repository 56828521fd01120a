"""What is measured of many connections, and how."""

import gc
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from attrs import define, field, frozen

from .service import Service

MEDIAN, SIGMA, ERROR, EXPONENT = 300.0, 0.8, 0.2, 0.4

_SEED = 4
_SAMPLES = 10
_SYNCS = 50
_PAGE = resource.getpagesize()


@frozen(kw_only=True)
class Size:
    """How large a night is.

    Attributes:
        connections: How many connections.
        imodels: On how many iModels.
        concurrency: How many at a time.
    """

    connections: int
    imodels: int
    concurrency: int

    def service(self) -> tuple[Service, float]:
        """Return a service of this size, and the seconds that no order of its runs can beat.

        Each iModel has a connection, and the nth gets n ** -EXPONENT of the others. Durations are
        log-normal, and those of earlier runs are off by ERROR.
        """
        chance = random.Random(_SEED)
        weights = [(number + 1) ** -EXPONENT for number in range(self.imodels)]
        more = chance.choices(range(self.imodels), weights, k=self.connections - self.imodels)
        imodels = [*range(self.imodels), *more]
        chance.shuffle(imodels)
        durations = [chance.lognormvariate(0, SIGMA) * MEDIAN for _ in imodels]
        history = [seconds * chance.uniform(1 - ERROR, 1 + ERROR) for seconds in durations]
        work = [0.0] * self.imodels
        for imodel, seconds in zip(imodels, durations, strict=True):
            work[imodel] += seconds
        return Service(imodels, durations, history), max(*work, sum(work) / self.concurrency)


@define
class Figures:
    """What a measurement found.

    Attributes:
        makespan: Virtual seconds that it took, over those that no order can beat.
        cpu: Seconds of CPU, without those of the service and of measuring.
        asked: Requests by kind.
        runs: How many runs a connection had, at the least and at the most.
        memory: Bytes that a connection takes, by what becomes of it: resident, or traced by Python.
        peak: Bytes that were resident at the most, for each connection.
        more: What only this measurement has.
    """

    makespan: float
    cpu: float
    asked: dict[str, int]
    runs: tuple[int, int]
    memory: dict[str, float]
    peak: float
    more: dict[str, float]

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(self.asked.values())


@define
class Memory:
    """Measures memory while connections begin and end.

    Attributes:
        connections: How many there are.
        used: Returns bytes.
        before: Bytes before there was any of them.
        begun: How many have begun.
        ended: How many have ended.
        seconds: CPU that the measuring took.
    """

    connections: int
    used: Callable[[], int]
    before: int = 0
    begun: int = 0
    ended: int = 0
    seconds: float = 0.0
    _samples: list[tuple[int, int, int, int]] = field(factory=list)

    def begin(self) -> None:
        """Note that a connection begins; all wait when the first one does."""
        if not self.begun:
            self._sample()
        self.begun += 1

    def end(self) -> None:
        """Note that a connection has ended."""
        self.ended += 1
        if self.ended * _SAMPLES % self.connections < _SAMPLES:
            self._sample()

    def each(self) -> dict[str, float]:
        """Return the bytes that a connection takes while it waits, is under way, and is done with."""
        waiting, finished = self._samples[0][-1] / self.connections, self._samples[-1][-1] / self.connections
        midway = [
            (added - waits * waiting - ended * finished) / active
            for waits, active, ended, added in self._samples
            if active
        ]
        return {"waiting": waiting, "under way": median(midway), "finished": finished}

    def _sample(self) -> None:
        began = time.thread_time()
        gc.collect()
        added = self.used() - self.before
        self._samples.append((self.connections - self.begun, self.begun - self.ended, self.ended, added))
        self.seconds += time.thread_time() - began


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


def most_resident() -> int:
    """Return the bytes of this process that were in memory at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cpu_of(work: Callable[[], object]) -> float:
    """Return the seconds of CPU that the work takes."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def seconds_to_sync(folder: Path) -> float:
    """Return how long it takes until a page that is written is on the disk."""
    with (folder / "page").open("wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(_SYNCS):
            file.write(bytes(4096))
            os.fsync(file.fileno())
        return (time.perf_counter() - began) / _SYNCS
