"""A trigger that leads to one run of ours, whatever others do on the iModel and whichever answers are lost."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from machines.model import OTHER, OURS, SETTINGS, WatchMachine

from bentley_sync_async import RunJoined, RunTriggered, WaitingForIModel

DATE_IS_COARSE = 1.0  # seconds


class Triggering(WatchMachine):
    doubtful_since: float | None = None  # the earliest trigger of which the watch may not know what came

    @initialize(
        when_active=st.sampled_from(["join", "rerun"]),
        skew=st.sampled_from([0.0, -86400.5, 3600.25]),
        earlier=st.sampled_from([None, OURS, OTHER]),
    )
    def begin(self, when_active, skew, earlier):
        self.when_active = when_active
        self.open(skew, when_active=when_active)
        if earlier is not None:
            self.somebody_triggers(earlier)

    def asking_at(self, now):
        if self.doubtful_since is None:
            self.doubtful_since = now

    def told(self, event):
        match event:
            case RunTriggered(ref=ref):
                run = self.service.find(ref.connection_id, ref.run_id)
                assert ref.connection_id == OURS
                assert run.by_us or (event.recovered and self.passes_for_ours(run))
            case RunJoined(ref=ref, foreign=foreign):
                assert not foreign
                assert self.when_active == "join"
                assert ref.connection_id == OURS
            case WaitingForIModel(ref=ref):
                assert not self.service.find(ref.connection_id, ref.run_id).by_us

    def passes_for_ours(self, run):
        """Whether a run that somebody else triggered will do for the one that our lost trigger was to create."""
        began = run.began_at
        assert run.connection_id == OURS
        return began is None or began >= self.doubtful_since - DATE_IS_COARSE

    @precondition(lambda self: self.service.active is None)
    @rule(connection_id=st.sampled_from([OURS, OTHER, OTHER]))
    def somebody_triggers(self, connection_id):
        self.service.start(connection_id, self.now, by_us=False)

    @precondition(lambda self: self.service.active is not None)
    @rule()
    def the_active_run_begins(self):
        run = self.service.active
        if run.began_at is None:
            self.begins(run)

    @precondition(lambda self: self.service.active is not None)
    @rule(begun=st.booleans())
    def the_active_run_ends(self, begun):
        run = self.service.active
        if begun and run.began_at is None:
            self.begins(run)
        run.data |= {"state": "Completed", "result": "Success", "endDateTime": self.iso()}
        run.began_at = run.began_at if run.began_at is not None else self.now

    def begins(self, run):
        run.began_at = self.now
        run.data |= {"state": "Executing", "startDateTime": self.iso()}

    @precondition(lambda self: self.service.active is not None)
    @rule(bound=st.sampled_from([0.3, 40.0, 600.0]))
    def another_is_first(self, bound):
        self.the_active_run_ends(begun=True)
        self.somebody_triggers(OTHER)
        self.ask(bound)

    @rule(times=st.sampled_from([1, 3, 30]))
    def triggers_collide(self, times):
        self.service.conflicts = times

    @invariant()
    def one_run_is_created_at_most(self):
        assert len(self.service.created_by_us) <= 1

    @invariant()
    def what_is_followed_is_of_our_connection(self):
        if hasattr(self, "watcher") and self.watcher.ref is not None:
            assert self.watcher.ref.connection_id == OURS

    def finish(self):
        self.service.conflicts = 0
        self.faults.clear()
        for _ in range(100):
            if self.ledger.of(RunTriggered, RunJoined):
                break
            if self.service.active is not None and not self.service.active.by_us:
                self.the_active_run_ends(begun=True)
            self.ask(4000)
        (met,) = self.ledger.of(RunTriggered, RunJoined)
        if self.service.active is not None:
            self.the_active_run_ends(begun=True)
        self.ask_to_the_end()
        assert self.ledger.ended
        self.told_is(self.served)
        if isinstance(met, RunTriggered) and not met.recovered:
            assert len(self.service.created_by_us) == 1
        self.one_run_is_created_at_most()


Triggering.TestCase.settings = SETTINGS
TestATriggerInTheMidstOfOthers = Triggering.TestCase
