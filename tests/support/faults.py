"""The faults of the chaos tests: those of the proxy, those of the emulator, and a client that meets them."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from support.chaos import END_OF_HEAD, ChaosProxy, Exchange, Fault, Rule, chaos_proxy
from support.quick import length

from bentley_sync_async import ClientCredentials, SynchronizationClient
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule, RunRule

# Faults of the proxy. The name says so where the request never arrives at the server.


def _head_length(answer: bytes) -> int:
    return answer.index(END_OF_HEAD) + len(END_OF_HEAD)


def _cut(answer: bytes, where: str, rng: random.Random) -> int:
    """The number of bytes to pass on: at least one less than all."""
    line, head = answer.index(b"\r\n"), _head_length(answer)
    spans = {
        "nothing": (0, 0),
        "the status line": (1, line),
        "the headers": (line + 2, head - 1),
        "the body": (min(head, len(answer) - 1), len(answer) - 1),
        "the last byte": (len(answer) - 1, len(answer) - 1),
    }
    return rng.randint(*spans[where])


def delayed(seconds: float) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await anyio.sleep(seconds)
        await exchange.send(answer)

    return fault


def delayed_before_it_arrives(seconds: float) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await anyio.sleep(seconds)
        await exchange.send(await exchange.forward())

    return fault


def in_segments(most: int, pause: float = 0.0) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.forward()
        while answer:
            size = exchange.rng.randint(1, most)
            await exchange.send(answer[:size])
            await anyio.sleep(pause)
            answer = answer[size:]

    return fault


def stalled_after(where: str, seconds: float = 3600.0) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.forward()
        passed = _cut(answer, where, exchange.rng)
        await exchange.send(answer[:passed])
        await anyio.sleep(seconds)
        await exchange.send(answer[passed:])

    return fault


def reset_after(where: str) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await exchange.send(answer[: _cut(answer, where, exchange.rng)])
        exchange.reset()

    return fault


def closed_after(where: str) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.forward()
        await exchange.send(answer[: _cut(answer, where, exchange.rng)])
        exchange.close()

    return fault


async def reset_before_it_arrives(exchange: Exchange) -> None:
    exchange.reset()


async def closed_before_it_arrives(exchange: Exchange) -> None:
    exchange.close()


async def refused_for_a_while(exchange: Exchange) -> None:
    """The request is reset, and the proxy refuses connections for two seconds."""

    async def listen_again() -> None:
        await anyio.sleep(2)
        await exchange.proxy.listen()

    exchange.proxy.stop_listening()
    exchange.proxy.group.start_soon(listen_again)
    exchange.proxy.drop_all()
    exchange.reset()


async def answered_twice(exchange: Exchange) -> None:
    answer = await exchange.forward()
    await exchange.send(answer + answer)


async def answered_twice_with_a_pause(exchange: Exchange) -> None:
    """The second answer arrives while the connection waits for its next request."""
    answer = await exchange.forward()
    await exchange.send(answer)
    await anyio.sleep(0.5)
    await exchange.send(answer)


async def answered_again_in_place_of_the_next(exchange: Exchange) -> None:
    """From now on, each request on the connection gets the answer to the request before it."""
    answer = await exchange.forward()
    await exchange.send(answer)
    exchange.proxy.stale_answers[exchange.client] = answer


def followed_by(extra: bytes) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await exchange.send(await exchange.forward() + extra)

    return fault


async def last_bytes_twice(exchange: Exchange) -> None:
    answer = await exchange.forward()
    await exchange.send(answer + answer[-exchange.rng.randint(1, 40) :])


async def closed_after_the_answer(exchange: Exchange) -> None:
    await exchange.send(await exchange.forward())
    exchange.close()


async def reset_in_the_pool(exchange: Exchange) -> None:
    await exchange.send(await exchange.forward())
    await anyio.sleep(0.5)
    exchange.reset()


def preceded_by(extra: bytes) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await exchange.send(extra + await exchange.forward())

    return fault


async def without_a_length_and_cut(exchange: Exchange) -> None:
    """The end of the connection is the end of the body, so the client cannot notice that some of it is missing."""
    answer = await exchange.forward()
    head = _head_length(answer)
    bare = re.sub(rb"(?i)\r\ncontent-length: *\d+", b"", answer[:head])
    await exchange.send(bare + answer[head : _cut(answer, "the body", exchange.rng)])
    exchange.close()


def chunked(*, complete: bool) -> Fault:
    async def fault(exchange: Exchange) -> None:
        answer = await exchange.forward()
        head, body = answer[: _head_length(answer)], answer[_head_length(answer) :]
        await exchange.send(re.sub(rb"(?i)content-length: *\d+", b"Transfer-Encoding: chunked", head))
        while body:
            size = exchange.rng.randint(1, 50)
            await exchange.send(b"%x\r\n%b\r\n" % (len(body[:size]), body[:size]))
            body = body[size:]
        if not complete:
            exchange.close()
        await exchange.send(b"0\r\n\r\n")

    return fault


async def bad_gateway(exchange: Exchange) -> None:
    """The request arrives at the server, and the answer is a web page."""
    await exchange.forward()
    page = b"<html>Bad Gateway</html>"
    head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    await exchange.send(head + page)


PROXY_FAULTS: dict[str, Fault] = {
    "delayed": delayed(5),
    "delayed before it arrives": delayed_before_it_arrives(5),
    "byte by byte": in_segments(1),
    "in small segments": in_segments(30),
    "in segments with pauses": in_segments(60, pause=0.1),
    "a trickle slower than the timeout": in_segments(1, pause=2),
    "stalled before the status line": stalled_after("nothing"),
    "stalled in the status line": stalled_after("the status line"),
    "stalled in the headers": stalled_after("the headers"),
    "stalled in the body": stalled_after("the body"),
    "stalled and then complete": stalled_after("the headers", 20),
    "reset before it arrives": reset_before_it_arrives,
    "reset before the status line": reset_after("nothing"),
    "reset in the status line": reset_after("the status line"),
    "reset in the headers": reset_after("the headers"),
    "reset in the body": reset_after("the body"),
    "reset before the last byte": reset_after("the last byte"),
    "closed before it arrives": closed_before_it_arrives,
    "closed before the status line": closed_after("nothing"),
    "closed in the status line": closed_after("the status line"),
    "closed in the headers": closed_after("the headers"),
    "closed in the body": closed_after("the body"),
    "closed before the last byte": closed_after("the last byte"),
    "closed after the answer": closed_after_the_answer,
    "reset in the pool": reset_in_the_pool,
    "refused for a while": refused_for_a_while,
    "answered twice": answered_twice,
    "answered twice with a pause": answered_twice_with_a_pause,
    "answered again in place of the next": answered_again_in_place_of_the_next,
    "its last bytes twice": last_bytes_twice,
    "followed by junk": followed_by(b"\x00\xffjunk\r\n\r\n"),
    "preceded by junk": preceded_by(b"\x00\xffjunk\r\n\r\n"),
    "preceded by an early hint": preceded_by(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"),
    "without a length and cut": without_a_length_and_cut,
    "in chunks": chunked(complete=True),
    "in chunks without the last": chunked(complete=False),
    "bad gateway": bad_gateway,
}

_ACT = FaultAction
EMULATOR_FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "500 though performed": {"status": 500, "performed": True},
    "502 in HTML": {"action": _ACT.HTML_BODY, "status": 502, "performed": False},
    "503": {"status": 503},
    "503 with Retry-After": {"status": 503, "retry_after": 40},
    "504 though performed": {"status": 504, "performed": True},
    "429": {"status": 429, "code": "RateLimitExceeded", "retry_after": 45},
    "429 until an instant": {"status": 429, "retry_after": 45, "retry_after_date": True},
    "409": {"status": 409, "code": "Conflict"},
    "401": {"status": 401, "code": "HeaderNotFound"},
    "delay": {"action": _ACT.DELAY, "delay": 7},
    "delay beyond the timeout": {"action": _ACT.DELAY, "delay": 90},
    "reset before the headers": {"action": _ACT.RESET_BEFORE_HEADERS},
    "reset before the headers though performed": {"action": _ACT.RESET_BEFORE_HEADERS, "performed": True},
    "reset after the headers": {"action": _ACT.RESET_AFTER_HEADERS},
    "truncated": {"action": _ACT.TRUNCATED_BODY},
    "wrong content type": {"action": _ACT.WRONG_CONTENT_TYPE},
    "HTML": {"action": _ACT.HTML_BODY},
    "empty": {"action": _ACT.EMPTY_BODY},
    "no Location": {"action": _ACT.NO_LOCATION},
    "a path as Location": {"action": _ACT.RELATIVE_LOCATION},
}
"""Arguments of the emulator's fault rules."""

ALL_FAULTS = (*PROXY_FAULTS, *EMULATOR_FAULTS)

_NOT_FOR_A_WATCH = {"409", "401", "no Location", "a path as Location"}
"""Twice in a row, the first two refuse the watch for good; the others change only the answer to a trigger."""

WATCH_FAULTS = [name for name in ALL_FAULTS if name not in _NOT_FOR_A_WATCH]


def hits(targets: Sequence[str]) -> list[tuple[str, str]]:
    """Return each fault of a watch with each kind of request, or with one of them if that is enough."""
    return [
        (name, target)
        for number, name in enumerate(WATCH_FAULTS)
        for target in length([targets[number % len(targets)]], targets)
    ]


def add_fault(
    emulator: Emulator, proxy: ChaosProxy, target: tuple[str, str], name: str, due: set[int]
) -> Rule | FaultRule:
    """Inject a fault into those of the requests with the target's method and path, counted from 1."""
    method, path = target
    if name in PROXY_FAULTS:
        return proxy.add(PROXY_FAULTS[name], method, path, due)
    rule = FaultRule(method=method, path=path, first=min(due), last=max(due), **EMULATOR_FAULTS[name])
    return emulator.add_fault(rule)


@asynccontextmanager
async def chaos(seed: int, rule: FileRule) -> AsyncIterator[tuple[Emulator, ChaosProxy, SynchronizationClient]]:
    """An emulator, a proxy before it, and a client of the proxy whose tokens are valid for 40 seconds.

    A file whose name starts with `Bad` fails; the rule adds another exception to files that succeed in 40 seconds.
    """
    async with (
        Emulator(seed=seed, error_rate=0.0, retry_rate=0.0, accept_window=0.0, token_lifetime=40.0) as emulator,
        chaos_proxy(emulator.url, seed) as proxy,
    ):
        emulator.add_run_rule(RunRule(queued=5, waiting=20, preprocessing=10, references=10, finalizing=5))
        emulator.add_file_rule(FileRule(queued=5, duration=40))
        emulator.add_file_rule(FileRule(file_name="Bad*", error="SourceFileCorrupted"))
        emulator.add_file_rule(rule)
        credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
        async with SynchronizationClient(credentials, base_url=proxy.url) as client:
            yield emulator, proxy, client
        await anyio.sleep(0.1)
        assert proxy.open_connections == 0
    assert other_tasks() == []


def other_tasks() -> list[str]:
    """The names of the coroutines of all tasks but the current one."""
    return [task.get_coro().__qualname__ for task in asyncio.all_tasks() - {asyncio.current_task()}]
