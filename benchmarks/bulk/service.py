"""A model of the service in memory: so quick that what a benchmark measures is the client."""

import json
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import anyio

from bentley_sync_async.transport.messages import Request, Response

BASE_URL = "https://api.example"
FILES = 1

_PREFIX = f"{BASE_URL}/synchronization/imodels/storageconnections/"
_LENGTH = 43  # of a connection's id; the API's pages show no other
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_NEVER = -1.0


class Service:
    """Answers a client at once, from what it knows of the connections and by the event loop's clock.

    It has the four operations that a bulk needs, one run at a time on each iModel, and no errors. It grows by nothing
    but a run's number while it answers, so the memory of the process is the client's.

    Attributes:
        asked: How many requests of which kind: look-ups, histories, triggers, polls.
        seconds: CPU that its answers took.
    """

    def __init__(self, imodels: Sequence[int], durations: Sequence[float], history: Sequence[float]) -> None:
        """Make a service with as many connections as there are durations.

        Args:
            imodels: The number of each connection's iModel.
            durations: Seconds that each connection's run takes.
            history: Seconds that the connection's only earlier run took.
        """
        self.asked: Counter[str] = Counter()
        self.seconds = 0.0
        self._imodels = imodels
        self._durations = durations
        self._history = history
        self._began = array("d", [_NEVER]) * len(durations)
        self._runs = array("i", [0]) * len(durations)
        self._latest: dict[int, int] = dict.fromkeys(imodels, -1)
        self._operations: dict[tuple[str, str], tuple[str, Callable[[int], Response]]] = {
            ("GET", ""): ("look-ups", self._connection),
            ("GET", "runs"): ("histories", self._past_runs),
            ("POST", "run"): ("triggers", self._trigger),
            ("GET", "run"): ("polls", self._run),
        }

    @property
    def connection_ids(self) -> list[str]:
        """All connections."""
        return [_id(number) for number in range(len(self._durations))]

    @property
    def runs(self) -> list[int]:
        """How many runs each connection has had."""
        return self._runs.tolist()

    async def send(self, request: Request, *, timeout: float) -> Response:  # noqa: ARG002
        """Answer; see `Transport.send`."""
        began = time.thread_time()
        connection_id, *rest = request.url.removeprefix(_PREFIX).partition("?")[0].split("/")
        operation = "run" if len(rest) > 1 else "".join(rest)
        kind, answer = self._operations[request.method, operation]
        self.asked[kind] += 1
        response = answer(int(connection_id))
        self.seconds += time.thread_time() - began
        return response

    def _connection(self, number: int) -> Response:
        imodel = f"{self._imodels[number]:08}-6967-47b2-8945-a722a437ad7a"
        links = {name: {"href": f"{BASE_URL}/{name.lower()}s/{imodel}"} for name in ("iModel", "iTwin")}
        itwin = "5fb9aa98-9874-4697-b942-d19728840f19"
        return _json(
            connection={
                "id": _id(number),
                "displayName": str(number),
                "iModelId": imodel,
                "iTwinId": itwin,
                "authenticationType": "Service",
                "error": None,
                "_links": links,
            }
        )

    def _past_runs(self, number: int) -> Response:
        seconds = self._history[number]
        return _json(runs=[_shown(number, began=-1e6, seconds=seconds, elapsed=seconds)], _links={"self": None})

    def _trigger(self, number: int) -> Response:
        now, imodel = anyio.current_time(), self._imodels[number]
        active = self._latest[imodel]
        if active != -1 and now < self._began[active] + self._durations[active]:
            return Response(status=303, headers={"location": f"{_PREFIX}{_id(active)}/runs/{active:040x}"})
        self._latest[imodel] = number
        self._began[number] = now
        self._runs[number] += 1
        return Response(status=202, headers={"location": f"{_PREFIX}{_id(number)}/runs/{number:040x}"})

    def _run(self, number: int) -> Response:
        began = self._began[number]
        elapsed = anyio.current_time() - began
        return _json(run=_shown(number, began=began, seconds=self._durations[number], elapsed=elapsed))


def _id(number: int) -> str:
    return f"{number:0{_LENGTH}}"


def _json(**members: object) -> Response:
    return Response(status=200, headers={"content-type": "application/json"}, body=json.dumps(members).encode())


def _shown(number: int, *, began: float, seconds: float, elapsed: float) -> dict[str, object]:
    """Return a run as the API shows it: one job, whose files are worked on one after another."""
    each = seconds / FILES
    tasks = [
        {
            "id": f"{number:038x}{file:02}",
            **_progress(began + file * each, each, elapsed - file * each),
            "retryAttempts": 0,
            "storageFileId": f"{number:038x}{file:02}",
            "error": None,
            "details": None,
        }
        for file in range(FILES)
    ]
    progress = _progress(began, seconds, elapsed)
    job = {"id": f"{number:039x}j", **progress, "connectorType": "MSTN", "tasks": tasks}
    return {
        "id": f"{number:040x}",
        "connectionId": _id(number),
        **progress,
        "phase": "MasterFile",
        "error": None,
        "jobs": [job],
    }


def _progress(began: float, seconds: float, elapsed: float) -> dict[str, object]:
    done, waiting = elapsed >= seconds, elapsed < 0
    return {
        "startDateTime": None if waiting else _instant(began),
        "endDateTime": _instant(began + seconds) if done else None,
        "state": "Completed" if done else "Queued" if waiting else "Executing",
        "result": "Success" if done else "Undetermined",
    }


def _instant(seconds: float) -> str:
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat(timespec='microseconds')[:26]}Z"
