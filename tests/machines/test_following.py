"""A run that a watch follows, whatever the service, the network, the consumer and the machine do meanwhile."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from machines.model import SETTINGS, WatchStateMachine

from bentley_sync_async.models import ExecutionState
from bentley_sync_async.models.states import TRANSITIONS
from bentley_sync_async.watch.retry_state import GRACE

UNKNOWN = {
    "state": ["Hibernating", "Levitating"],
    "result": ["Miraculous"],
    "phase": ["Afterlife"],
    "connectorType": ["WARP"],
}


class Following(WatchStateMachine):
    met_at: float | None = None

    @initialize(timeout=st.sampled_from([None, 900.0, 20000.0]), skew=st.sampled_from([0.0, -86400.5, 3600.25]))
    def begin(self, timeout, skew):
        self.open(skew, timeout=timeout)

    async def send(self, request, *, timeout):
        response = await super().send(request, timeout=timeout)
        if response.status == 202:
            self.met_at = self.now
        return response

    def may_be_unknown(self):
        return self.met_at is not None and self.now < self.met_at + GRACE - 9

    @property
    def changeable(self):
        return bool(self.service.runs) and not self.frozen

    @property
    def data(self):
        return self.service.runs[0].data

    def things(self):
        tasks = [task for job in self.data["jobs"] for task in job["tasks"]]
        return [self.data, *self.data["jobs"], *tasks]

    def some_thing(self, number):
        things = self.things()
        return things[number % len(things)]

    @precondition(lambda self: self.changeable)
    @rule(name=st.sampled_from(["j1", "j2", "j3"]), at=st.integers(0, 3))
    def a_job_appears(self, name, at):
        if all(job["id"] != name for job in self.data["jobs"]):
            self.data["jobs"].insert(
                at, {"id": name, "state": "NotStarted", "result": "Undetermined", "connectorType": "MSTN", "tasks": []}
            )

    @precondition(lambda self: self.changeable and self.data["jobs"])
    @rule(number=st.integers(0, 9), name=st.sampled_from(["t1", "t2", "t3"]))
    def a_task_appears(self, number, name):
        tasks = self.data["jobs"][number % len(self.data["jobs"])]["tasks"]
        if all(task["id"] != name for task in tasks):
            tasks.append({"id": name, "state": "NotStarted", "result": "Undetermined", "retryAttempts": 0})

    @precondition(lambda self: self.changeable)
    @rule(number=st.integers(0, 99), step=st.integers(0, 9))
    def something_takes_a_lawful_step(self, number, step):
        thing = self.some_thing(number)
        children = thing.get("jobs", thing.get("tasks", []))
        may_end = all(child["state"] == "Completed" for child in children)
        steps = sorted(
            str(to)
            for to in TRANSITIONS.get(ExecutionState(thing["state"]), ())
            if may_end or to != ExecutionState.COMPLETED
        )
        if steps:
            thing["state"] = steps[step % len(steps)]
            if thing["state"] == "Completed":
                thing["result"] = "Success"
                thing["endDateTime"] = self.iso()

    @precondition(lambda self: self.changeable)
    @rule(number=st.integers(0, 99), retries=st.integers(0, 3))
    def a_task_is_retried(self, number, retries):
        thing = self.some_thing(number)
        if "retryAttempts" in thing:
            thing["retryAttempts"] = retries
            if retries % 2:
                thing["state"] = "WaitingToRetry"

    @precondition(lambda self: self.changeable)
    @rule(phase=st.sampled_from(["Preprocessor", "MasterFile", "ReferenceFile", None]))
    def the_phase_changes(self, phase):
        self.data["phase"] = phase

    @precondition(lambda self: self.changeable)
    @rule(number=st.integers(0, 99))
    def a_date_is_set(self, number):
        self.some_thing(number)["startDateTime"] = self.iso()

    @precondition(lambda self: self.changeable)
    @rule(number=st.integers(1, 99))
    def something_reopens(self, number):
        thing = self.some_thing(number)
        if thing["state"] == "Completed":
            thing["state"], thing["result"] = "Executing", "Undetermined"

    @precondition(lambda self: self.changeable)
    @rule(number=st.integers(0, 99), key=st.sampled_from(sorted(UNKNOWN)), value=st.integers(0, 1))
    def something_takes_an_unknown_value(self, number, key, value):
        thing = self.some_thing(number)
        if key in thing:
            thing[key] = UNKNOWN[key][value % len(UNKNOWN[key])]

    @precondition(lambda self: self.changeable and self.data["jobs"])
    @rule(number=st.integers(0, 9), task=st.booleans())
    def something_vanishes(self, number, task):
        jobs = self.data["jobs"]
        tasks = jobs[number % len(jobs)]["tasks"]
        if not task:
            del jobs[number % len(jobs)]
        elif tasks:
            del tasks[number % len(tasks)]

    @precondition(lambda self: self.changeable)
    @rule()
    def all_is_reordered(self):
        self.data["jobs"].reverse()
        for job in self.data["jobs"]:
            job["tasks"].reverse()

    @rule(times=st.integers(1, 2))
    def the_run_is_not_known_everywhere_yet(self, times):
        self.faults.extend(["404"] * times)

    @precondition(lambda self: self.changeable and len(self.things()) > 3)
    @rule(result=st.sampled_from(["Success", "PartialSuccess", "Miraculous"]))
    def the_run_ends(self, result):
        for thing in self.things():
            # Without any date nobody could tell that the run is later than a trigger whose answer was lost.
            thing |= {"state": "Completed", "result": result, "endDateTime": self.iso()}

    @invariant()
    def one_run_is_created_at_most(self):
        assert len(self.service.runs) <= 1

    def finish(self):
        self.faults.clear()
        while not self.service.runs and not self.timed_out:
            self.ask(60)
        if self.changeable:
            self.the_run_ends("Success")
        self.ask_to_the_end()
        self.one_run_is_created_at_most()
        if self.timed_out:
            return
        assert self.ledger.ended
        self.ended_well(self.service.runs[0])


Following.TestCase.settings = SETTINGS
TestAWatchThatFollowsARun = Following.TestCase
