import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.quick import each, length
from support.runs import runs

from bentley_sync_async import DecodeError, RunRef, StorageJob, StorageRun, StorageTask
from bentley_sync_async.wire import snapshots
from bentley_sync_async.wire.codec import decode_one, encode
from bentley_sync_async.wire.shapes import Shape
from bentley_sync_async.wire.snapshots import Snapshots


def whole(body):
    return decode_one(body, "run", StorageRun)


def said(decode, body):
    """What a decode makes of a body, or all that its error says."""
    try:
        return decode(body)
    except DecodeError as error:
        return str(error), error.path, error.problem, error.excerpt


def task(id_, **members):
    return {"id": id_, "state": "Executing", "retryAttempts": 0, "startDateTime": "2020-10-24T02:44:13.41Z", **members}


def job(id_, *tasks, **members):
    return {"id": id_, "state": "Executing", "connectorType": "MSTN", **members, "tasks": list(tasks)}


def body_of(*jobs, separators=(",", ":"), **members):
    run = {"id": "r", "connectionId": "c", **members, "jobs": list(jobs)}
    return json.dumps({"run": run}, separators=separators).encode()


JOBS = [job(name, *(task(f"{name}{number}") for number in range(5))) for name in "abc"]
BODY = body_of(*JOBS)


@pytest.fixture
def decoded(monkeypatch):
    """The kinds of nodes that were decoded, and "whole" for a whole answer."""
    kinds = []
    decode = Shape.decode

    def noted(self, text):
        node = decode(self, text)
        kinds.append(type(node))
        return node

    def noted_whole(*args):
        kinds.append("whole")
        return decode_one(*args)

    monkeypatch.setattr(Shape, "decode", noted)
    monkeypatch.setattr(snapshots, "decode_one", noted_whole)
    return kinds


def after(first, second, decoded):
    """The two snapshots, with what was decoded for the second alone."""
    seen = Snapshots()
    before = seen.decode(first)
    decoded.clear()
    return before, seen.decode(second)


def test_an_answer_with_the_same_bytes_is_the_snapshot_of_before_and_nothing_is_decoded(decoded):
    before, now = after(BODY, bytes(bytearray(BODY)), decoded)
    assert now is before
    assert decoded == []


def test_of_a_change_in_one_task_that_task_is_decoded_and_what_it_stands_in(decoded):
    tasks = [*JOBS[1]["tasks"][:3], task("b3", retryAttempts=1), JOBS[1]["tasks"][4]]
    _, now = after(BODY, body_of(JOBS[0], job("b", *tasks), JOBS[2]), decoded)
    assert sorted(decoded, key=str) == [StorageJob, StorageRun, StorageTask]
    assert now.jobs[1].tasks[3].retry_attempts == 1


def test_what_did_not_change_around_a_change_is_the_object_of_before(decoded):
    tasks = [*JOBS[1]["tasks"][:3], task("b3", retryAttempts=1), JOBS[1]["tasks"][4]]
    before, now = after(BODY, body_of(JOBS[0], job("b", *tasks), JOBS[2]), decoded)
    same = [new is old for new, old in zip(now.jobs, before.jobs, strict=True)]
    assert same == [True, False, True]
    assert [new is old for new, old in zip(now.jobs[1].tasks, before.jobs[1].tasks, strict=True)] == [
        True, True, True, False, True,
    ]  # fmt: skip


def test_of_a_change_of_the_run_alone_no_job_is_decoded(decoded):
    before, now = after(BODY, body_of(*JOBS, state="Finalizing"), decoded)
    assert decoded == [StorageRun]
    assert all(new is old for new, old in zip(now.jobs, before.jobs, strict=True))


def test_jobs_in_another_order_are_the_objects_of_before(decoded):
    before, now = after(BODY, body_of(*reversed(JOBS)), decoded)
    assert decoded == [StorageRun]
    assert [id(job) for job in now.jobs] == [id(job) for job in reversed(before.jobs)]


def test_tasks_in_another_order_are_the_objects_of_before(decoded):
    before, now = after(BODY, body_of(job("a", *reversed(JOBS[0]["tasks"])), *JOBS[1:]), decoded)
    assert decoded == [StorageJob, StorageRun]
    assert [id(task) for task in now.jobs[0].tasks] == [id(task) for task in reversed(before.jobs[0].tasks)]


@pytest.mark.parametrize("jobs", [[*JOBS, job("d")], [job("d"), *JOBS]], ids=["last", "first"])
def test_of_a_new_job_that_job_is_decoded(jobs, decoded):
    after(BODY, body_of(*jobs), decoded)
    assert decoded == [StorageJob, StorageRun]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_of_a_job_that_is_gone_no_other_is_decoded(gone, decoded):
    after(BODY, body_of(*JOBS[:gone], *JOBS[gone + 1 :]), decoded)
    assert decoded == [StorageRun]


def test_a_job_that_changed_and_moved_keeps_its_other_tasks(decoded):
    moved = job("c", task("c0", state="Completed"), *JOBS[2]["tasks"][1:])
    after(BODY, body_of(moved, *JOBS[:2]), decoded)
    assert decoded == [StorageTask, StorageJob, StorageRun]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",\n\t ", " :\r\n")])
def test_what_stands_between_the_values_does_not_matter(separators, decoded):
    first = body_of(*JOBS, separators=separators)
    after(first, body_of(*JOBS, separators=separators, state="Queued"), decoded)
    assert decoded == [StorageRun]


def test_properties_that_the_models_do_not_know_do_not_matter(decoded):
    odd = [job("a", task("a0", progress={"percent": [5.5]}), task("a1", progress=None), steps=[]), *JOBS[1:]]
    new = [job("a", task("a0", progress={"percent": [9.5]}), task("a1", progress=None), steps=[]), *JOBS[1:]]
    before, now = after(body_of(*odd, weather="fine"), body_of(*new, weather="fine"), decoded)
    assert decoded == [StorageTask, StorageJob, StorageRun]
    assert now.jobs[0].tasks[1] is before.jobs[0].tasks[1]


def test_what_is_unusual_is_decoded_as_a_whole(decoded):
    after(BODY, BODY.replace(b'"id":"a"', b'"state":1,"id":"a"'), decoded)
    assert decoded[-1] == "whole"


def test_what_an_unusual_answer_said_as_usual_is_taken_over_from_it(decoded):
    after(BODY.replace(b'"id":"a"', b'"state":1,"id":"a"'), BODY, decoded)
    assert decoded == [StorageJob, StorageRun]


def test_an_answer_that_is_none_changes_nothing_of_what_is_known(decoded):
    seen = Snapshots()
    before = seen.decode(BODY)
    with pytest.raises(DecodeError):
        seen.decode(b"<html>")
    assert seen.decode(BODY) is before


def test_the_empty_answer_is_an_error_from_the_beginning():
    with pytest.raises(DecodeError, match="empty"):
        Snapshots().decode(b"")


def test_the_ids_of_the_run_are_the_strings_of_the_ref_that_it_was_asked_for_by():
    ref = RunRef(run_id="r" * 2, connection_id="c" * 2)
    run = Snapshots().decode(b'{"run":{"id":"rr","connectionId":"cc"}}', ref)
    assert run.id is ref.run_id
    assert run.connection_id is ref.connection_id


@each("members", ['"id":"rr","connectionId":"d"', '"id":"s","connectionId":"cc"', '"id":"rr"'])
def test_ids_that_are_not_those_that_were_asked_for_are_shown_as_they_came(members):
    body = b'{"run":{%s}}' % members.encode()
    assert Snapshots().decode(body, RunRef(run_id="rr", connection_id="cc")) == whole(body)


# Pools of texts from which several answers are made: so they share some, in any place and order.

ODD = [
    *[b"null", b"true", b"5", b"2.0", b"1e400", b"-" + b"9" * 400, b"18446744073709551616", b"tru", b""],
    *[b'"\xff"', b'"\xc3\xa9"', b'"\\ud800"', b'"\\u0061"', b'"\\q"', b'"Completed"', b'"Cancelled"', b'"Warp"'],
    *[b'"2020-10-24T02:44:13.4109666Z"', b'"2020-10-24T04:44:13+02:00"', b'"0001-01-01T00:00:00"', b'"yesterday"'],
    *[b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59-23:59"'],
    *[b"[]", b"[null]", b"[1e400]", b'[{"id":"x"}]', b'[{"id":"x"} , {"id":"x"}]', b"{}", b'{"id": 5}', b'{"id":"x"}'],
    *[b'{"errorKey":1}', b'{"errorCode":"E","system":"Warp","canUserFix":null}', b'{"canUserFix":1}'],
    b'{"synchronizationReport":{"totalErrorsCount":1,"more":1e400}}',
    b'{"synchronizationReport":{"suggestedAction":"Info"}}',
]
NAMES = [
    *[b"id", b"i\\u0064", b"state", b"result", b"startDateTime", b"endDateTime", b"retryAttempts", b"phase", b"error"],
    *[
        b"connectorType",
        b"storageFileId",
        b"details",
        b"jobs",
        b"tasks",
        b"\\u006aobs",
        b"progress",
        b"start_date_time",
    ],
    b"\xff",
]
spaces = st.sampled_from([b"", b"", b"", b" ", b"\n\t"])
odd_members = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ODD)), max_size=2)
usual_members = st.lists(
    st.sampled_from(
        [
            (b"state", b'"Executing"'),
            (b"result", b'"Warp"'),
            (b"startDateTime", b'"2020-10-24T02:44:13.4109666Z"'),
            (b"error", b"null"),
            (b"progress", b'[{"percent":5}]'),
        ]
    ),
    max_size=3,
    unique=True,
)


@st.composite
def objects(draw, *members):
    """The text of an object with the members, some usual ones, and now and then odd ones, in some order."""
    odd = draw(odd_members) if draw(st.integers(0, 7)) == 0 else []
    texts = [b'"%s":%s%s' % (name, draw(spaces), text) for name, text in [*members, *draw(usual_members), *odd]]
    if draw(st.booleans()):
        texts = draw(st.permutations(texts))
    gap = draw(spaces)
    return gap.join([b"{", (b"," + gap).join(texts), b"}"])


@st.composite
def arrays(draw, pool):
    between = draw(spaces) + b"," + draw(spaces)
    texts = draw(st.lists(st.sampled_from(pool), max_size=4))
    return draw(spaces).join([b"[", between.join(texts), b"]"])


@st.composite
def answers(draw):
    tasks = [draw(objects((b"id", b'"%s"' % id_))) for id_ in draw(st.lists(st.sampled_from([b"t", b"u"]), min_size=1))]
    jobs = [
        draw(objects((b"id", b'"%s"' % id_), (b"tasks", draw(arrays(tasks)))))
        for id_ in draw(st.lists(st.sampled_from([b"j", b"k"]), min_size=1, max_size=5))
    ]
    runs_ = [draw(objects((b"id", b'"r"'), (b"jobs", draw(arrays(jobs))))) for _ in range(draw(st.integers(2, 4)))]
    return [draw(objects((b"run", run))) for run in runs_]


@settings(max_examples=length(50, 200))
@given(answers())
@example([b'{"run":{"id":"r","jobs":null}}', b'{"run":{"id":"r","jobs":[]}}', b'{"run":{"id":"r"}}'])
@example([b'{"run":{"id":"r","jobs":[null]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j"},{"id":"k"} ,{"id":"l"}]}}'])
@example([b'{"run":{"id":"r","jobs":[1e400],"jobs":[{"id":"j"}]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"k"}],"jobs":[{"id":"j"}]}}'])
@example([b'{"run":{"id":"r","x":[{"id":"j"},1e400],"jobs":[{"id":"j"}]}}'])
@example([b'{"run":{"id":"r","x":[{"id":"j"},1e400,{"id":"k"}],"jobs":[{"id":"j"},{"id":"k"}]}}'])
@example([b'{"run":{"id":"r","x":[{"id":"j"},{"id":"k"}],"jobs":[{"id":"j"},{"id":"k"}]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j"}]},"x":"\xff"}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j","x":"\xff"}]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j","state":"\xff"}]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j","tasks":[{"id":"t","x":1e400}]}]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j","tasks":[{"id":"t","error":{"x":1e400}}]}]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j","tasks":[{"id":"t"}]}]},"run":{"id":"s","jobs":[{"id":"j"}]}}'])
@example([b'{"run":{"id":"r","jobs":[{"id":"j","tasks":[]}]}}', b'{"run":{"id":"r","jobs":[{"id":"j","x":1e400}]}}'])
@example(
    [
        b'{"run":{"id":"r","jobs":[{"id":"j","tasks":[{"id":"t"}]}]}}',
        b'{"run":{"id":"r","jobs":[{"id":"j","tasks":[1e400],"tasks":[{"id":"t"}]}]}}',
    ]
)
def test_a_snapshot_equals_a_decode_of_the_whole_answer_errors_included(bodies):
    seen = Snapshots()
    assert [said(seen.decode, body) for body in bodies] == [said(whole, body) for body in bodies]


@given(st.lists(runs, min_size=2, max_size=5))
def test_snapshots_of_any_runs_equal_what_was_encoded(history):
    seen = Snapshots()
    assert [seen.decode(encode({"run": run})) for run in history] == history


@given(st.data())
def test_an_answer_with_any_byte_changed_is_taken_as_a_whole_decode_takes_it(data):
    changed = bytearray(BODY)
    changed[data.draw(st.integers(0, len(BODY) - 1))] = data.draw(st.integers(0, 255))
    seen = Snapshots()
    seen.decode(BODY)
    assert said(seen.decode, bytes(changed)) == said(whole, bytes(changed))


def test_of_a_run_with_a_single_task_the_same_bytes_are_the_same_object_and_an_empty_answer_is_none():
    body = encode({"run": StorageRun(id="r", jobs=(StorageJob(id="j", tasks=(StorageTask(id="t"),)),))})
    snapshots = Snapshots()
    first = snapshots.decode(body)
    assert snapshots.decode(bytes(bytearray(body))) is first
    with pytest.raises(DecodeError):
        snapshots.decode(b"")
    assert snapshots.decode(body.replace(b'"t"', b'"u"')).jobs[0].tasks[0].id == "u"
