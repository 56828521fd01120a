"""A server whose answers are any bytes that a test chooses, and an attacker's server that must never be contacted."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from attrs import define, field
from support.transport import RawServer, http, raw_server

CONNECTION, RUN = "conn", "run-1"
ROOT = "/synchronization/imodels/storageconnections"
RUN_TARGET = f"{ROOT}/{CONNECTION}/runs/{RUN}"

Answer = bytes | Callable[[asyncio.Transport], None]


def ok(value: object, status: str = "200 OK", /, **headers: str) -> bytes:
    return http(status, json.dumps(value).encode(), Content_Type="application/json", **headers)


def run_body(state: str = "Completed", **members: object) -> dict[str, object]:
    return {"run": {"id": RUN, "connectionId": CONNECTION, "state": state, "result": "Success", **members}}


@define
class HostileServer:
    """Answers each operation with the steps of its script; the last step is repeated."""

    raw: RawServer
    attacker: RawServer
    answers: dict[str, list[Answer]] = field(factory=dict)

    @property
    def url(self) -> str:
        return self.raw.url

    @property
    def targets(self) -> list[str]:
        return self.raw.targets

    def set(self, operation: str, *answers: Answer) -> None:
        self.answers[operation] = [*answers]

    def answer(self, transport: asyncio.Transport) -> None:
        script = self.answers[_operation(self.raw.requests[-1])]
        step = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(step, bytes):
            transport.write(step)
        else:
            step(transport)

    def strays(self) -> list[str]:
        """Requested targets that belong to no operation on this connection and run."""
        known = rf"(/connect/token|{ROOT}/{CONNECTION}(/run|/runs(\?[^/]*)?|/runs/{RUN})?)"
        return [target for target in self.targets if re.fullmatch(known, target) is None]


def _operation(request: bytes) -> str:
    method, target, _ = request.split(b" ", 2)
    path = target.partition(b"?")[0]
    if path.endswith(b"/connect/token"):
        return "token"
    if method == b"POST":
        return "trigger"
    if b"/runs/" in path:
        return "poll"
    return "runs" if path.endswith(b"/runs") else "connection"


@asynccontextmanager
async def hostile_server() -> AsyncGenerator[HostileServer]:
    """Serve a run that is completed at the first poll, unless a test sets other answers."""
    async with raw_server(b"", repeat=True) as raw, raw_server(http(), repeat=True) as attacker:
        server = HostileServer(raw, attacker)
        server.set("trigger", http("202 Accepted", b"", Location=f"{raw.url}{RUN_TARGET}"))
        server.set("poll", ok(run_body()))
        server.set("connection", ok({"connection": {"id": CONNECTION}}))
        server.set("runs", ok({"runs": []}))
        server.set("token", ok({"access_token": "issued-token", "expires_in": 3600, "token_type": "Bearer"}))
        raw.script = [server.answer]
        yield server
        assert attacker.connections == 0, "a request was sent to the attacker's host"
