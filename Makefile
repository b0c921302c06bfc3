# What people type: make demo, make test. Both do all set-up themselves, once per lock file.

PYTHON ?= python3.11
VENV ?= .venv
CORES ?= 2
MINUTES ?= 10
BIN := $(abspath $(VENV))/bin
READY := $(VENV)/ready
SNAKEMAKE := PATH="$(BIN):$$PATH" $(BIN)/snakemake

.PHONY: help demo test slurm-packages browser check bench faults torture overhead scale validate \
  clean

help:
	@echo "make demo   make the small campaign config/demo.yaml on $(CORES) cores, show its table"
	@echo "make test   run all tests"
	@echo "make browser  install the browser that the tests of the page use (Debian, as root)"
	@echo "make check  check style: ruff, snakefmt, snakemake --lint"
	@echo "make bench  measure the cost of each stage and property, of learning and optimising"
	@echo "make faults  cause faults on a real SLURM and beside it, write docs/faults.md"
	@echo "make torture  kill, corrupt and restart a campaign for $(MINUTES) minutes"
	@echo "make overhead  measure what coatline adds to a SLURM job, against bare sbatch"
	@echo "make scale  run stub campaigns of growing size, SAMPLES=\"200 400 800\"; plan one of 10,000"
	@echo "make validate  make the campaigns of config/validation, write docs/validation.md"
	@echo "make clean  remove the environment and caches; results stay"

demo: $(READY)
	$(SNAKEMAKE) --cores $(CORES) --configfile config/demo.yaml
	@$(BIN)/coatline summary results/demo/dataset.nc

# Two tests at a time, files of tests kept together, so that what a file shares is made once and a
# workflow under test, which has one core, meets one other test at most.
test: $(READY) slurm-packages
	PATH="$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

# A SLURM to test with, where Debian's packages can be installed; elsewhere its tests are skipped, or
# fail where COATLINE_REQUIRE_SLURM=1, as in continuous integration.
slurm-packages:
	@if command -v slurmctld slurmd munged sbatch >/dev/null; then :; \
	elif test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null \
	  || echo "make: SLURM could not be installed" >&2; \
	else echo "make: no SLURM here, its tests are skipped"; fi

browser:
	command -v chromedriver >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  chromium chromium-driver; }

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(SNAKEMAKE) --lint

bench: $(READY)
	PATH="$(BIN):$$PATH" $(BIN)/python tests/bench/electrode.py
	$(BIN)/python tests/bench/learning.py
	PATH="$(BIN):$$PATH" $(BIN)/python tests/bench/protocol.py
	PATH="$(BIN):$$PATH" $(BIN)/python tests/bench/scaling.py
	PATH="$(BIN):$$PATH" $(BIN)/python tests/bench/reference.py

faults: $(READY) slurm-packages
	rows=$$(mktemp) && COATLINE_REQUIRE_SLURM=1 COATLINE_FAULTS=$$rows PATH="$(BIN):$$PATH" \
	  $(BIN)/python -m pytest tests/slurm/test_faults.py tests/workflow/test_surviving.py \
	  tests/workflow/test_campaign.py::test_a_record_cut_off_is_made_again \
	  tests/campaign/test_delivery.py && \
	$(BIN)/python -m tests.slurm.table $$rows docs/faults.md && rm $$rows

torture: $(READY)
	PATH="$(BIN):$$PATH" $(BIN)/python -m tests.slurm.torture --minutes $(MINUTES)

overhead: $(READY) slurm-packages
	PATH="$(BIN):$$PATH" $(BIN)/python -m tests.slurm.overhead

scale: $(READY)
	PATH="$(BIN):$$PATH" $(BIN)/python -m tests.workflow.scale $(SAMPLES) --cores $(CORES)

# Every campaign behind docs/validation.md, those that published data are compared with first. One that
# stops does not keep the page from being written, which says what is missing.
VALIDATION := curve recipes solid-content half-step slow fine-voxel large small-beads \
  elastic published-a published-b

validate: $(READY)
	@stopped=; for name in $(VALIDATION); do \
	  echo "make: campaign $$name"; \
	  $(SNAKEMAKE) --cores $(CORES) --quiet rules --configfile config/validation/$$name.yaml \
	    || stopped="$$stopped $$name"; \
	done; \
	$(BIN)/coatline validate && \
	if test -n "$$stopped"; then echo "make: stopped:$$stopped" >&2; exit 1; fi

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .snakemake/coatline
	find src tests workflow -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: what the lock file names, and coatline itself as it stands here.
$(READY): envs/requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: there is no $(PYTHON); install Python 3.11, or name it: make PYTHON=…" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@
