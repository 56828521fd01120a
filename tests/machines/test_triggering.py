"""A trigger that leads to one run of ours, whatever others do on the iModel and whichever answers are lost."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from machines.model import OTHER, OURS, SETTINGS, WatchStateMachine

from bentley_sync_async import IModelBusyError, RunJoined, RunTriggered, TransportError, WaitingForIModel

DATE_IS_COARSE = 1.0  # seconds
THROTTLED, SPREAD = 7.0, 0.7  # seconds for which a gate stays closed, and then spreads its requests over


class Triggering(WatchStateMachine):
    doubtful_since: float | None = None  # the earliest trigger of which the watch may not know what came
    asked_at = 0.0
    posted = False  # since it was asked last
    gate_opens = 0.0
    in_the_way = None  # the run that the watch said it waits for
    waited = ()  # what it said of such runs

    @initialize(
        when_active=st.sampled_from(["join", "rerun"]),
        when_busy=st.sampled_from(["wait", "wait", "wait", "join", "fail"]),
        skew=st.sampled_from([0.0, -86400.5, 3600.25]),
        earlier=st.sampled_from([None, OURS, OTHER]),
    )
    def begin(self, when_active, when_busy, skew, earlier):
        self.when_active, self.when_busy = when_active, when_busy
        self.open(skew, when_active=when_active, when_busy=when_busy)
        if earlier is not None:
            self.somebody_triggers(earlier)

    async def send(self, request, *, timeout):
        if request.method != "POST":
            return await super().send(request, timeout=timeout)
        self.posted = True
        assert self.in_the_way is None or not self.in_the_way.active, "a trigger before the end of what is in the way"
        first = self.doubtful_since is None
        if first:
            self.doubtful_since = self.now
        try:
            response = await super().send(request, timeout=timeout)
        except TransportError as error:
            if first and not error.sent:
                self.doubtful_since = None
            raise
        names_a_run = "location" in response.headers
        refused = response.status in {401, 409, 429} or "retry-after" in response.headers
        # Of a run of our own connection the watch has yet to find out whether a doubtful trigger created it.
        settled = names_a_run and (response.status == 202 or f"/{OTHER}/" in response.headers["location"])
        if settled or (first and (names_a_run or refused)):
            self.doubtful_since = None
        return response

    async def exchange(self, request, path, fault, timeout):
        response = await super().exchange(request, path, fault, timeout)
        if "retry-after" in response.headers:
            self.gate_opens = self.now + THROTTLED
        return response

    def ask(self, bound):
        self.asked_at, self.posted = self.now, False
        told = super().ask(bound)
        waited_at_the_gate = not self.posted and self.asked_at < self.gate_opens + SPREAD
        if self.doubtful_since is None and self.watcher.ref is None and waited_at_the_gate:
            self.doubtful_since = self.asked_at
        return told

    def ended_by(self, error):
        if isinstance(error, IModelBusyError):
            assert error.resume_token == self.watcher.resume_token()
            assert self.when_busy == "fail"
            assert error.ref.connection_id == OTHER
        else:
            super().ended_by(error)

    def reported(self, event):
        match event:
            case RunTriggered(ref=ref):
                run = self.service.find(ref.connection_id, ref.run_id)
                assert ref.connection_id == OURS
                assert run.by_us or (event.recovered and self.passes_for_ours(run))
            case RunJoined(ref=ref, foreign=foreign):
                assert (self.when_busy if foreign else self.when_active) == "join"
                assert ref.connection_id == (OTHER if foreign else OURS)
                assert not self.service.find(ref.connection_id, ref.run_id).by_us
            case WaitingForIModel(ref=ref, run=run):
                self.in_the_way = self.service.find(ref.connection_id, ref.run_id)
                assert not self.in_the_way.by_us
                assert (ref, run) not in self.waited, "said twice"
                self.waited = (*self.waited, (ref, run))
        if isinstance(event, RunTriggered | RunJoined | WaitingForIModel):
            self.doubtful_since = None

    def passes_for_ours(self, run):
        """Whether a run that somebody else triggered will do for the one that our lost trigger was to create."""
        if self.doubtful_since is None:
            return False
        # The Date of an answer is older than its arrival.
        earliest = self.doubtful_since - SPREAD - DATE_IS_COARSE - self.latency / 2
        return run.began_at is None or run.began_at >= earliest

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

    @precondition(lambda self: self.in_the_way is not None and self.in_the_way.active)
    @rule(bound=st.sampled_from([0.3, 40.0, 600.0]))
    def is_left_while_it_waits(self, bound):
        self.take_up_in_a_new_client(None)
        self.ask(bound)

    @rule(times=st.sampled_from([1, 3, 30]))
    def triggers_collide(self, times):
        self.service.conflicts = times

    @invariant()
    def one_run_is_created_at_most(self):
        assert len(self.service.created_by_us) <= 1

    @invariant()
    def what_is_followed_is_of_our_connection_unless_we_may_join_others(self):
        if hasattr(self, "watcher") and self.watcher.ref is not None:
            assert self.watcher.ref.connection_id == OURS or self.when_busy == "join"

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
        self.ended_well(self.service.find(met.ref.connection_id, met.ref.run_id))
        if isinstance(met, RunTriggered) and not met.recovered:
            assert len(self.service.created_by_us) == 1
        self.one_run_is_created_at_most()


Triggering.TestCase.settings = SETTINGS
TestATriggerInTheMidstOfOthers = Triggering.TestCase
