# Every target makes .venv and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

# Without it each of the many processes that tests start would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/bytecode

.PHONY: demo check fix test coverage lint types imports official blob browser torture fuzz matrix mutants bench clean

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)

demo: $(READY)  ## the main job, against the emulator
	$(BIN)/bentley-sync demo

fix: $(READY)  ## formats, and fixes what the linter can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy
	$(BIN)/mypy --strict tests/typing
	$(BIN)/basedpyright

imports: $(READY)
	$(BIN)/lint-imports

# The tests of pure code and of single files: no socket, no process.
UNITS := architecture auth errors models pacing redaction transport watch wire

check: lint types imports  ## while working: under a minute
	$(BIN)/pytest $(addprefix tests/,$(UNITS))

# Measuring coverage doubles the time of a test, so only these are measured here: they reach every branch of the pure files
# (tests/pure.ini). `make coverage` measures the whole package.
MEASURED := bulk/test_journal.py bulk/test_options.py bulk/test_outcomes.py bulk/test_plan.py bulk/test_report.py
MEASURED += bulk/test_schedule.py cli/formatting compatibility errors hostile/test_resume_tokens.py models pacing
MEASURED += publish/test_manifest.py publish/test_plan.py publish/test_publish.py resources storage/test_urls.py transport
MEASURED += watch wire

test: lint types imports  ## everything that must hold; eight minutes on two cores
	$(BIN)/pytest --cov --cov-config=tests/pure.ini --cov-report=term $(addprefix tests/,$(MEASURED))
	$(BIN)/pytest $(addprefix --ignore=tests/,$(MEASURED))

coverage: $(READY)  ## of the whole package, 95 % (pyproject.toml)
	$(BIN)/pytest --cov --cov-report=term $(addprefix --ignore=tests/,benchmarks chaos docs fuzz kill machines soak steps)

torture: export FULL_LENGTH = 1
torture: coverage  ## all tests at full length, with the coverage of the whole package
	CHAOS_SEEDS=20 $(BIN)/pytest tests/chaos tests/bulk/test_faults.py
	BULK_CONNECTIONS=1000 BULK_IMODELS=300 $(BIN)/pytest tests/bulk/test_makespan.py
	KILLS=200 PUBLISH_KILLS=100 $(BIN)/pytest tests/kill
	PUBLISH_FAULTS_EVERY=1 PUBLISH_FILES=2000 $(BIN)/pytest tests/publish
	CROWD_WATCHES=1000 $(BIN)/pytest tests/client/test_crowd.py
	CANCEL_EVERY=1 $(BIN)/pytest tests/steps
	MACHINE_EXAMPLES=20 $(BIN)/pytest tests/machines
	SOAK_WATCHES=200 SOAK_HOURS=48 $(BIN)/pytest -n0 tests/soak
	$(BIN)/pytest tests/benchmarks tests/docs tests/fuzz

official: $(READY)  ## the platform's own client libraries against the emulator; needs Node.js, a minute at first
	$(BIN)/python -m tests.node.official.run

blob: $(READY)  ## uploads and downloads through Azurite, another blob store; needs Node.js, two minutes at first
	$(BIN)/pytest -n0 -rs -p no:randomly tests/node/azurite/transfers.py

fuzz: $(READY)  ## mutated payloads against wire/, five minutes
	FUZZ_SECONDS=300 $(BIN)/pytest -n0 tests/fuzz

matrix: $(READY)  ## the suite on each Python that is found, with uvloop, eager tasks, debug mode, oldest versions; an hour
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[matrix]'
	$(BIN)/python tests/matrix/run.py

mutants: $(READY)  ## small changes in the pure files: are 85 % noticed by their tests? a quarter of an hour
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	FULL_LENGTH=1 $(BIN)/python tests/mutants/run.py

bench: $(READY)  ## what the client costs, as ratios to its peers; under five minutes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks

browser: $(READY)  ## signs in with Chromium, headless (Debian: apt-get install chromium); under a minute
	$(BIN)/python tests/browser/run.py

clean:
	rm -rf .venv .matrix
