"""The snapshots of one run over many polls: parts that are unchanged since the last answer are not decoded again. Pure.

An answer with the same bytes as the last one is not decoded at all. In any other answer, a job with the same bytes as
in the last answer is the same object as in the last snapshot. In a changed job, the same holds for its tasks. Only the
rest is decoded, by `shapes`. A snapshot always equals what `codec.decode_one` returns for the whole answer, and
`decode_one` decodes every answer that the shapes refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import TypeVar, cast

import msgspec

from bentley_sync_async.models import RunRef, StorageJob, StorageRun, StorageTask

from .codec import check_size, decode_one
from .shapes import UNUSUAL, shape

N = TypeVar("N")

_BEGINNING = 64  # bytes of an array's first element by which it is found in the text; its equality is checked later


class Snapshots:
    """Decodes the answers of one run; keeps the latest snapshot, and its answer or the answer's digest."""

    __slots__ = ("_body", "_digest_of_body", "_jobs", "_run")

    def __init__(self) -> None:
        """Start without an answer."""
        self._body = self._digest_of_body = b""
        self._jobs: Sequence[msgspec.Raw] = ()  # parts of the body, without a copy
        self._run: StorageRun | None = None

    def decode(self, body: bytes, ref: RunRef | None = None) -> StorageRun:
        """Return the snapshot of an answer; its unchanged parts are the objects of the last snapshot.

        Args:
            body: The answer.
            ref: The run that was requested; the snapshot shares its ids, so that each is in memory once.

        Raises:
            DecodeError: As for `codec.decode_one`; nothing is kept of the answer.
        """
        if self._run is not None and (body == self._body if self._body else _digest(body) == self._digest_of_body):
            return self._run
        jobs: Sequence[msgspec.Raw] = ()
        check_size(body)
        try:
            jobs = _ANSWER.decode(body).run.jobs or ()
            run = self._decode_changes(body, jobs, ref)
        except UNUSUAL:
            run = decode_one(body, "run", StorageRun)
        self._run = run
        if sum(len(job.tasks) for job in run.jobs) > 1:
            self._body, self._jobs, self._digest_of_body = body, tuple(jobs), b""
        else:  # too little can be shared to keep the body for it
            self._body, self._jobs, self._digest_of_body = b"", (), _digest(body)
        return run

    def _decode_changes(self, body: bytes, texts: Sequence[msgspec.Raw], ref: RunRef | None) -> StorageRun:
        last = self._run.jobs if self._run is not None else ()
        before = {job.id: (text, job) for text, job in zip(self._jobs, last, strict=False)}
        jobs = _shared_nodes(texts, self._jobs, last, partial(_job, before=before))
        without_jobs = _without(texts, body)
        msgspec.json.decode(without_jobs)  # checks the members that msgspec skips below; see Shape.decode
        run: StorageRun = shape(StorageRun).decode(_RUN_WITHOUT_JOBS.decode(without_jobs).run)
        if ref is None or (ref.run_id, ref.connection_id) != (run.id, run.connection_id):
            return _with_members(run, jobs=jobs)
        return _with_members(run, id=ref.run_id, connection_id=ref.connection_id, jobs=jobs)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=32).digest()


class _Run(msgspec.Struct):
    jobs: list[msgspec.Raw] | None = None


class _Answer(msgspec.Struct):
    run: _Run


class _AnswerWithoutJobs(msgspec.Struct):
    run: msgspec.Raw


class _Job(msgspec.Struct):
    id: str
    tasks: list[msgspec.Raw] | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_RUN_WITHOUT_JOBS = msgspec.json.Decoder(_AnswerWithoutJobs)
_JOB = msgspec.json.Decoder(_Job)


def _job(text: msgspec.Raw, *, before: dict[str, tuple[msgspec.Raw, StorageJob]]) -> StorageJob:
    found = _JOB.decode(text) if before else None
    if found is None or found.id not in before:
        first: StorageJob = shape(StorageJob).decode(text)
        return first
    last_text, last = before[found.id]
    texts, last_texts = found.tasks or (), _JOB.decode(last_text).tasks or ()
    tasks = _shared_nodes(texts, last_texts, last.tasks, shape(StorageTask).decode)
    job: StorageJob = shape(StorageJob).decode(_without(texts, bytes(text)))
    return _with_members(job, tasks=tasks)


def _with_members(node: N, **members: object) -> N:
    """Set members of an object that was just made and is not shared yet; it takes half the time of a copy."""
    for name, value in members.items():
        object.__setattr__(node, name, value)
    return node


def _shared_nodes(
    texts: Sequence[msgspec.Raw],
    last_texts: Sequence[msgspec.Raw],
    last: Sequence[N],
    decode: Callable[[msgspec.Raw], N],
) -> tuple[N, ...]:
    """Return the decoded texts; for a text that the last answer had too, at any position, the same object as then."""
    nodes: list[N | None] = []
    new: list[int] = []
    for place, text in enumerate(texts):
        same = place < len(last_texts) and text == last_texts[place]
        nodes.append(last[place] if same else None)
        if not same:
            new.append(place)
    left = [
        (old, node)
        for place, (old, node) in enumerate(zip(last_texts, last, strict=False))
        if place >= len(nodes) or nodes[place] is None
    ]
    alone = len(new) == len(left) == 1  # the new one replaces the old one
    moved = {} if alone else {bytes(old): node for old, node in left}
    for place in new:
        text = texts[place]
        nodes[place] = (moved.get(bytes(text)) if moved else None) or decode(text)
    return tuple(cast("list[N]", nodes))


def _without(children: Sequence[msgspec.Raw], text: bytes) -> bytes:
    """Return a text without the elements of one of its arrays.

    Raises:
        ValueError: The elements are not adjacent, with the same separator between each two.
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
