# make lab       open the first chapter in JupyterLab      make notebooks  run all chapters again, keep their outputs
# make lecture N=4   open the slides of chapter 4           make lectures   make all slides again from their chapters
# make solved    chapters with the solutions in place      make student    chapters without solutions
# make course    runs both, and goes through every slide in a browser
# make test      run the checks                            make evidence   make the records of chapters 1 and 4 again
# make portable  unit tests and chapters, as on other      make evidence RECORDS=applications   those of chapters 5 to 8 (frontiers: 9 to 11)
#                processors                                make bench      measure speed and size
# make format    rewrite the code as the checker wants it  make size       count lines, doors and circles of imports
# make portable CHAPTERS="05_classification …"  these chapters under twenty seeds of noise, and what is near to differ

PYTHON ?= python3
BIN := .venv/bin
START := notebooks/00_start_here.ipynb
# JupyterLab refuses to run as root, as one is in a container, unless told otherwise.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

RUNS ?= 20

.PHONY: lab lecture lectures solved student course test portable bench notebooks evidence format size system
.DELETE_ON_ERROR:

lab: .venv/requirements.installed
	$(BIN)/jupyter trust notebooks/*.ipynb  # else a reopened tab shows no saved widget
	$(BIN)/jupyter lab $(ROOT) --LabApp.default_url=/lab/tree/$(START)

# Opened trusted, else its buttons are not shown.
lecture: .venv/requirements.installed .venv/slides.installed
	@test -n "$(N)" || { echo "Which chapter? As in: make lecture N=4"; exit 1; }
	$(BIN)/jupyter trust lectures/$(shell printf %02.0f $(N)).ipynb
	$(BIN)/jupyter lab $(ROOT) --LabApp.default_url=/lab/tree/lectures/$(shell printf %02.0f $(N)).ipynb

lectures: .venv/requirements.installed
	$(BIN)/python -m tools.lectures

course: system .venv/requirements-test.installed .venv/slides.installed
	$(BIN)/python tests/run.py course

solved student: .venv/requirements.installed
	$(BIN)/python -m tools.exercises $@

test: system .venv/requirements-test.installed .venv/slides.installed
	$(BIN)/python tests/run.py

portable: system .venv/requirements-test.installed .venv/slides.installed
	$(BIN)/python $(if $(CHAPTERS),tests/margins.py --runs $(RUNS) $(CHAPTERS),tests/run.py --portable)

# One thread: sums then come out the same on any number of cores, and two runs at a time do not share one.
bench notebooks evidence: export OMP_NUM_THREADS = 1

bench: system .venv/requirements-test.installed
	$(BIN)/python -m benchmarks

notebooks: .venv/requirements.installed
	$(BIN)/python -m tools.execute

evidence: .venv/requirements.installed
	$(BIN)/python -m evidence $(RECORDS)

format: .venv/requirements-test.installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python tests/js/lint.py --write

size: .venv/requirements-test.installed
	$(BIN)/python -m tools.size

# Chromium and the Fashion-MNIST images, which pip does not have.
system:
	bash tests/install_system.sh

# The stamp files make the next call skip the installation until a requirement changes.
.venv/%.installed: %.txt requirements.txt pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --requirement $<
	touch $@

# How JupyterLab shows a slide: type, what is hidden, the lab's compact layout.
.venv/slides.installed: lectures/jointopt.json | .venv/requirements.installed
	$(BIN)/python -m tools.lectures --settings
	touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("jointopt needs Python 3.11 or newer; \
	$(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12 ..." % v[:2])'
	@$(PYTHON) -c 'import ensurepip' || { echo "$(PYTHON) lacks venv. On Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
