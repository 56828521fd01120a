"""How soon LearnedPacing notices ends, compared with other pacings that need as many requests.

    python -m benchmarks.pacing           prints the table, and writes it and two plots into docs/
    python -m benchmarks.pacing --check   prints it, and fails if docs/ shows another

What LearnedPacing is tuned to, the price at which it needs 5, 10 or 20 requests a run, is found on other runs than
those of the table. The others are tuned to its very number of requests on the runs of the table, in hindsight.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import process_time

from attrs import frozen

from bentley_sync_async.pacing.distribution import fit_prior
from bentley_sync_async.pacing.learned import LearnedPacing
from bentley_sync_async.pacing.strategies import PollContext

from .client import night
from .crowd import crowd
from .optimum import Clairvoyant, Outcome, best_backoff, best_fixed, outcome_of
from .plots import delays_plot, polls_plot
from .workloads import WORKLOADS, Case, Workload

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- benchmarks.pacing: begin -->\n", "<!-- benchmarks.pacing: end -->\n"

REQUESTS = (5, 10, 20)
TUNED_ON, PUBLISHED = 600, 3000  # runs of a workload
PLOTTED = next(workload for workload in WORKLOADS if workload.name == "s = 0.3, 5 past runs")
CURVE = (3, 5, 8, 13, 20, 32)
_PACING = LearnedPacing()


@frozen(kw_only=True)
class Row:
    """A workload at one number of requests.

    Attributes:
        workload: The workload.
        asked: Requests a run that were aimed at.
        learned: The outcome of LearnedPacing.
        fixed: The outcome of the best fixed interval with as many requests.
        backoff: The outcome of the best exponential backoff.
        clairvoyant: The outcome of the optimum that knows the true distribution.
    """

    workload: Workload
    asked: float
    learned: Outcome
    fixed: Outcome
    backoff: Outcome
    clairvoyant: Outcome

    @property
    def holds(self) -> bool:
        """Whether LearnedPacing reached what is asked of it."""
        return all(most is None or ratio <= most for ratio, most in self.asked_of)

    @property
    def asked_of(self) -> tuple[tuple[float, float | None], tuple[float, float | None]]:
        """The mean delay by that of the best fixed interval and of the clairvoyant, each with the most it may be."""
        return (
            (self.learned.delay / self.fixed.delay, self.workload.fixed),
            (self.learned.delay / self.clairvoyant.delay, self.workload.clairvoyant),
        )


def learned(workload: Workload, cases: Sequence[Case], price: float, random: Random) -> Outcome:
    """Return what LearnedPacing reaches, with what it has learned from the past runs of all these connections."""
    prior = fit_prior(case.past for case in cases)

    def poll(case: Case) -> tuple[int, float]:
        at, count = 0.0, 0
        durations = prior.distribution(case.past if workload.blocking_fingerprint else ())
        while at < case.duration:
            at += _PACING.delay(
                PollContext(unchanged_polls=count, chance=random.random(), elapsed=at, duration=durations, price=price)
            )
            count += 1
        return count, at

    return outcome_of(cases, poll)


def rows(workload: Workload, requests: Sequence[float], *, tuned_on: int, published: int) -> Iterator[Row]:
    """Measure a workload. Each use of chance has a seed of its own, so that it is always the same."""
    name = workload.name
    tuning = workload.cases(tuned_on, Random(f"tuning {name}"))
    cases = workload.cases(published, Random(f"published {name}"))
    clairvoyant = Clairvoyant(workload.law.survival)
    price = 20.0
    for asked in requests:
        for attempt in range(3):
            price *= (learned(workload, tuning, price, Random(f"tuning {asked} {attempt}")).polls / asked) ** 2
        reached = learned(workload, cases, price, Random(f"published {asked}"))
        yield Row(
            workload=workload,
            asked=asked,
            learned=reached,
            fixed=best_fixed(cases, reached.polls),
            backoff=best_backoff(cases, reached.polls),
            clairvoyant=clairvoyant.outcome(cases, reached.polls, near=price),
        )


HEAD = """\
| workload | requests a run | mean delay | by best fixed interval | by best backoff | by clairvoyant | |
|---|---|---|---|---|---|---|
"""


def line(row: Row) -> str:
    """Return a row of the table."""
    fixed, clairvoyant = (f"{ratio:.2f}" + (f" (≤ {most:.2f})" if most else "") for ratio, most in row.asked_of)
    asked = any(most for _, most in row.asked_of)
    verdict = ("holds" if row.holds else "**fails**") if asked else "printed"
    return (
        f"| {row.workload.name} | {row.learned.polls:.1f} | {row.learned.delay:.1f} s | {fixed} "
        f"| {row.learned.delay / row.backoff.delay:.2f} | {clairvoyant} | {verdict} |\n"
    )


WHOLE_CLIENT = """
The whole client, in virtual time, against an emulator that enforces the Community tier; all watches start at
once, of runs of 5 to 60 minutes:

"""


def main(arguments: Sequence[str]) -> int:
    """Print the table, and write or check what docs/ shows of it."""
    parser = ArgumentParser(prog="python -m benchmarks.pacing", description="How soon LearnedPacing notices ends.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if docs/ shows another table")
    options = parser.parse_args(arguments)
    began = process_time()
    table, held = HEAD, True
    sys.stdout.write(HEAD)
    for workload in WORKLOADS:
        for row in rows(workload, REQUESTS, tuned_on=TUNED_ON, published=PUBLISHED):
            sys.stdout.write(line(row))
            sys.stdout.flush()
            table += line(row)
            held &= row.holds
    together = "\n" + crowd().text() + WHOLE_CLIENT + night().text() + night(notified=True).text()
    sys.stdout.write(together)
    curve = list(rows(PLOTTED, CURVE, tuned_on=TUNED_ON, published=PUBLISHED // 3))
    pictures = {
        "images/pacing-polls.svg": polls_plot(),
        "images/pacing-delays.svg": delays_plot(curve),
    }
    same = _publish(table + together, pictures, only_check=options.check)
    sys.stdout.write(f"\n{process_time() - began:.0f} s of one core. Every row holds: {'yes' if held else 'no'}.\n")
    if not same and options.check:
        sys.stdout.write("docs/ shows another table or other plots: run python -m benchmarks.pacing.\n")
    return 0 if held and (same or not options.check) else 1


def _publish(table: str, pictures: dict[str, str], *, only_check: bool) -> bool:
    """Write what is new into docs/, unless it is only to be checked; return whether nothing was."""
    page = DOCS / "pacing.md"
    text = page.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    wanted = {page: before + BEGIN + table + after} | {DOCS / name: picture for name, picture in pictures.items()}
    changed = {
        path: content
        for path, content in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    }
    if not only_check:
        for path, content in changed.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return not changed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
