# Two targets do all their own set-up: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test lint types imports torture fuzz mutants bench clean

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)

demo: $(READY)  ## the main job, against the emulator
	$(BIN)/bentley-sync demo

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy
	$(BIN)/mypy --strict tests/typing
	$(BIN)/basedpyright

imports: $(READY)
	$(BIN)/lint-imports

# What decides without I/O is covered to the last branch; all else to 95 % (pyproject.toml).
WATCH := */watch/resume_state.py,*/watch/diff.py,*/watch/events.py,*/watch/fold.py,*/watch/fingerprints.py,*/watch/pa*.py
LEARNED := */pacing/distribution.py,*/pacing/progress.py,*/pacing/history.py,*/pacing/learned.py,*/pacing/scheduler.py,*/pacing/price.py
BULK := */bulk/events.py,*/bulk/journal/base.py,*/bulk/o*.py,*/bulk/p*.py,*/bulk/report.py,*/bulk/schedule.py
QUOTA := */transport/rate_limit/budget.py,*/transport/rate_limit/throttle.py,*/transport/retry.py,*/transport/rate_limit/windows.py
PURE := */wire/*,$(WATCH),$(LEARNED),$(QUOTA),$(BULK)

# Measuring coverage doubles the time of a test. What tries much, starts processes or follows crowds goes without.
WITHOUT := benchmarks chaos docs fuzz hostile kill machines soak bulk/test_cancellation.py bulk/test_faults.py
WITHOUT += bulk/test_makespan.py bulk/test_restart.py cli/test_bulk_process.py client/test_crowd.py
WITHOUT += watcher/test_cancellation.py

test: lint types imports  ## everything that must hold
	$(BIN)/pytest $(addprefix tests/,$(WITHOUT))
	$(BIN)/pytest --cov --cov-report=term $(addprefix --ignore=tests/,$(WITHOUT))
	$(BIN)/coverage report --fail-under=100 --include='$(PURE)'

torture: $(READY)  ## the proofs of watch and bulk at length: up to an hour and a half
	CHAOS_SEEDS=20 $(BIN)/pytest tests/chaos tests/bulk/test_faults.py
	BULK_CONNECTIONS=1000 BULK_IMODELS=300 $(BIN)/pytest tests/bulk/test_makespan.py
	KILLS=200 $(BIN)/pytest tests/kill
	CANCEL_EVERY=1 $(BIN)/pytest tests/watcher/test_cancellation.py
	MACHINE_EXAMPLES=20 $(BIN)/pytest tests/machines
	SOAK_WATCHES=200 SOAK_HOURS=48 $(BIN)/pytest -n0 tests/soak

fuzz: $(READY)  ## mutated payloads against wire/, five minutes
	FUZZ_SECONDS=300 $(BIN)/pytest -n0 tests/fuzz

mutants: $(READY)  ## small changes in the files without I/O: are 85 % noticed by their tests? a quarter of an hour
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	$(BIN)/python tests/mutants/run.py

bench: $(READY)  ## what the client costs, as ratios to its peers; under five minutes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv
