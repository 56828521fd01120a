"""A run look by look: what the next answer has in common with the last is not decoded again. Pure.

Nothing is decoded of an answer with the same bytes. Of any other, a job with the bytes of a job before is that job, of
a job that changed a task with the bytes of a task before is that task, and only what is left is decoded. A snapshot
equals what `codec.decode_one` makes of the whole answer, which is also asked whenever something is unusual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import TypeVar, cast

import msgspec

from bentley_sync_async.models import RunRef, StorageJob, StorageRun, StorageTask

from .codec import decode_one
from .shapes import UNUSUAL, shape

N = TypeVar("N")

_BEGINNING = 64


class Snapshots:
    """What to keep of a run between two looks: the latest answer, or its digest, and what it said."""

    __slots__ = ("_body", "_jobs", "_run", "_seen")

    def __init__(self) -> None:
        """Begin with nothing."""
        self._body = self._seen = b""
        self._jobs: Sequence[msgspec.Raw] = ()  # parts of the body, without a copy
        self._run: StorageRun | None = None

    def take(self, body: bytes, ref: RunRef | None = None) -> StorageRun:
        """Return what an answer says; what it says as before are the objects of before.

        Args:
            body: The answer.
            ref: The run that was asked for; of equal ids the snapshot holds its, so that each is in memory once.

        Raises:
            DecodeError: As for `codec.decode_one`; nothing is kept of the answer.
        """
        if self._run is not None and (body == self._body if self._body else _digest(body) == self._seen):
            return self._run
        jobs: Sequence[msgspec.Raw] = ()
        try:
            jobs = _ANSWER.decode(body).run.jobs or ()
            run = self._shared(body, jobs, ref)
        except UNUSUAL:
            run = decode_one(body, "run", StorageRun)
        self._run = run
        if sum(len(job.tasks) for job in run.jobs) > 1:
            self._body, self._jobs, self._seen = body, tuple(jobs), b""
        else:  # it has next to nothing to take over, so it need not be kept
            self._body, self._jobs, self._seen = b"", (), _digest(body)
        return run

    def _shared(self, body: bytes, texts: Sequence[msgspec.Raw], ref: RunRef | None) -> StorageRun:
        last = self._run.jobs if self._run is not None else ()
        before = {job.id: (text, job) for text, job in zip(self._jobs, last, strict=False)}
        jobs = _taken_over(texts, self._jobs, last, partial(_job, before=before))
        hollow = _without(texts, body)
        msgspec.json.decode(hollow)  # msgspec passes over what is not read; see Shape.decode
        run: StorageRun = shape(StorageRun).decode(_HOLLOW.decode(hollow).run)
        if ref is None or (ref.run_id, ref.connection_id) != (run.id, run.connection_id):
            return _completed(run, jobs=jobs)
        return _completed(run, id=ref.run_id, connection_id=ref.connection_id, jobs=jobs)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=32).digest()


class _Run(msgspec.Struct):
    jobs: list[msgspec.Raw] | None = None


class _Answer(msgspec.Struct):
    run: _Run


class _HollowAnswer(msgspec.Struct):
    run: msgspec.Raw


class _Job(msgspec.Struct):
    id: str
    tasks: list[msgspec.Raw] | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_HOLLOW = msgspec.json.Decoder(_HollowAnswer)
_JOB = msgspec.json.Decoder(_Job)


def _job(text: msgspec.Raw, *, before: dict[str, tuple[msgspec.Raw, StorageJob]]) -> StorageJob:
    found = _JOB.decode(text) if before else None
    if found is None or found.id not in before:
        first: StorageJob = shape(StorageJob).decode(text)
        return first
    last_text, last = before[found.id]
    texts, last_texts = found.tasks or (), _JOB.decode(last_text).tasks or ()
    tasks = _taken_over(texts, last_texts, last.tasks, shape(StorageTask).decode)
    job: StorageJob = shape(StorageJob).decode(_without(texts, bytes(text)))
    return _completed(job, tasks=tasks)


def _completed(node: N, **members: object) -> N:
    """Set members of a node that was made just now and that nobody has seen yet: half the time of another one."""
    for name, value in members.items():
        object.__setattr__(node, name, value)
    return node


def _taken_over(
    texts: Sequence[msgspec.Raw],
    last_texts: Sequence[msgspec.Raw],
    last: Sequence[N],
    decode: Callable[[msgspec.Raw], N],
) -> tuple[N, ...]:
    """Return what the texts say: of a text that was there before, in the same place or another, what it said then."""
    nodes: list[N | None] = []
    new: list[int] = []
    for place, text in enumerate(texts):
        same = place < len(last_texts) and text == last_texts[place]
        nodes.append(last[place] if same else None)
        if not same:
            new.append(place)
    left = [
        (said, node)
        for place, (said, node) in enumerate(zip(last_texts, last, strict=False))
        if place >= len(nodes) or nodes[place] is None
    ]
    alone = len(new) == len(left) == 1  # it stands where the other stood, and is another
    moved = {} if alone else {bytes(said): node for said, node in left}
    for place in new:
        text = texts[place]
        nodes[place] = (moved.get(bytes(text)) if moved else None) or decode(text)
    return tuple(cast("list[N]", nodes))


def _without(children: Sequence[msgspec.Raw], text: bytes) -> bytes:
    """Return a text without the elements of an array, which are its children.

    Raises:
        ValueError: They do not stand there side by side, with the same between each two.
    """
    if not children:
        return text
    first = bytes(children[0])
    start = text.find(first[:_BEGINNING])
    second = start + len(first)
    between = text[second : text.find(b"{", second)] if children[1:] else b","
    elements = between.join(children)
    if between.strip() != b"," or not text.startswith(elements, start):
        raise ValueError
    return text[:start] + text[start + len(elements) :]
