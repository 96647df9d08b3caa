# `make` lists the commands

PYTHON ?= python3
PORT   ?= 8000
VENV   := .venv
BIN    := $(VENV)/bin
FACTS  := settings.ini setup.py pyproject.toml
# Stamps: written when an install has ended well, so that a second call starts at once
RUN    := $(VENV)/installed
DEV    := $(VENV)/installed-dev
# The libraries that `make bench` compares with: one wants an older pandas, so they live apart
BENCH  := $(VENV)-bench
# ... Spark, with what its workers need and no more
SPARK  := $(VENV)-spark
WORKER := $(filter numpy% pandas% safetensors% click% tqdm% pyspark% pyarrow%,$(shell sed -nE 's/^(spark_)?requirements *= *//p' settings.ini))
# ... and so does what `make library` tests in, an environment for each Python and each WITH
LIB    := $(VENV)-library-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
LIB    := $(LIB)$(shell printf '%s' '$(WITH)' | tr -cs 'a-zA-Z0-9.' '-' | sed 's/^[^-]/-&/; s/[.-]*$$//')
# WITH is what pip is told besides; its word `lowest` means every lower bound in settings.ini
LOWEST := $(shell sed -nE 's/^(test_)?requirements *= *//p' settings.ini | sed 's/>=/==/g')
PINS   := $(foreach pin,$(foreach word,$(WITH),$(if $(filter lowest,$(word)),$(LOWEST),$(word))),'$(pin)')
MIN    := $(shell sed -n 's/^min_python *= *//p' settings.ini)

.PHONY: help run test library bench gpu nbs docs facts lab colab serve clean
.DEFAULT_GOAL := help

help:
	@echo 'make run     install, fetch MovieLens and take the tour, with ARGS="--epochs 1"'
	@echo 'make test    install with the tools and run every check, or some: ARGS="-k flow"'
	@echo 'make library run the checks of the library alone, with PYTHON=python3.13 WITH=lowest'
	@echo 'make nbs     after editing notebooks: modules, outputs, README.md and docs/ anew'
	@echo 'make docs    README.md and docs/ anew'
	@echo 'make facts   after editing settings.ini: every link, badge and install line anew'
	@echo 'make lab     open the notebooks in JupyterLab'
	@echo 'make colab   run every learner notebook as Colab would: ARGS=docs/notebooks/16_bias.ipynb'
	@echo 'make serve   read the docs at http://localhost:$(PORT)'
	@echo 'make bench   compare speeds, and with other libraries; ARGS="steps" for a part'
	@echo 'make gpu     train on this machine'"'"'s GPU, with PYTHON; ARGS=bench for times, notebooks for the pages'
	@echo 'make clean   remove $(VENV) and what else is not part of the project'

run: $(RUN)
	$(BIN)/collab_course tour $(ARGS)

test: $(DEV)
	$(BIN)/python -m pytest $(ARGS)

library: $(LIB)/installed
	$(LIB)/bin/python -m pytest --library $(ARGS)

bench: $(DEV) $(BENCH)/installed
	$(BIN)/python bench/bench.py $(ARGS)

# With the Python that is there, which brings its own PyTorch: nothing is installed
gpu:
	$(PYTHON) bench/gpu.py $(ARGS)

nbs: $(DEV)
	$(BIN)/python tools/facts.py --write
	$(BIN)/nbdev-export
	$(BIN)/python tools/run_notebooks.py
	$(BIN)/nbdev-clean
	$(BIN)/python tools/build_docs.py

docs: $(DEV)
	$(BIN)/python tools/build_docs.py

facts: $(DEV)
	$(BIN)/python tools/facts.py --write
	$(BIN)/python tools/build_docs.py

lab: $(DEV)
	$(BIN)/jupyter-lab nbs $(ARGS)

colab: $(DEV)
	$(BIN)/python tools/colab.py $(ARGS)

# docs/ comes with the project; where the tools are installed it is brought up to date first
serve: $(if $(wildcard $(DEV)),docs/index.html)
	$(PYTHON) -m http.server $(PORT) --bind localhost --directory docs

docs/index.html: $(wildcard nbs/* nbs/bugs/*) $(wildcard collab_course/*.py) $(wildcard tools/*.py)
	$(BIN)/python tools/build_docs.py

clean:
	rm -rf $(VENV) $(VENV)-* _proc _docs dist build tour $(addprefix nbs/,models data films small trending ratings.csv movies.csv example.py) .pytest_cache .mypy_cache .hypothesis *.egg-info
	find . -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# $(call at_least,VERSION): stop with one line unless $(PYTHON) is that new
NEED    = tuple(map(int, "$(1)".split(".")))
TOO_OLD = "This needs Python $(1) or newer, $(PYTHON) is %d.%d: make PYTHON=python$(1)" % have
define at_least
@$(PYTHON) -c 'import sys; have = sys.version_info[:2]; sys.exit(have < $(NEED) and $(TOO_OLD))'
endef

# $(call install,WHAT,WHERE): the package in a virtual environment, which is made afresh when it
# has no pip or another Python
VERSION := import sys; print(sys.version_info[:2])
define install
@test "$$($(PYTHON) -c '$(VERSION)')" = \
  "$$($(2)/bin/python -c 'import pip; $(VERSION)' 2>/dev/null)" || $(PYTHON) -m venv --clear $(2)
@echo 'Installing into $(2), which takes some minutes the first time'
@$(2)/bin/python -m pip install --quiet --disable-pip-version-check --editable $(1)
endef

$(RUN): $(FACTS)
	$(call at_least,$(MIN))
	$(call install,.,$(VENV))
	@touch $@

$(DEV): $(FACTS)
	$(call at_least,3.11)
	$(call install,'.[dev]',$(VENV))
	@touch $(RUN) $@

$(LIB)/installed: $(FACTS)
	$(call at_least,$(MIN))
	$(call install,'.[test]' $(PINS),$(LIB))
	@touch $@

$(BENCH)/installed: $(FACTS)
	$(call at_least,3.11)
	$(call install,'.[bench]',$(BENCH))
	@touch $@

$(SPARK)/installed: $(FACTS)
	$(call at_least,$(MIN))
	$(call install,. --no-deps,$(SPARK))
	@$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check $(foreach pin,$(WORKER),'$(pin)')
	@touch $@
