# make serve  the page in the browser            make check      format, lint, types and the quick tests
# make test   the quick tests, three minutes     make test-slow  the others: browser, servers, kills, training
# make fix    format and mend what can be mended make coverage   fails where deciding code has an untested branch
# make bench  the figures of the README          make clean      remove the environment, keep the index
# make pictures  the page in every state, into .footnote/pictures; renews those in docs/pictures
PYTHON ?= python3
VENV := .venv
# Windows names the programs of an environment in another way (not tried).
RUN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts/python.exe,bin/python)
DATA ?= ../shared/data
# Where a refusal, a citation and the switch to a new index are decided: the quick tests reach every branch there.
DECIDING := rag/answer.py,rag/answer_builder.py,rag/choice.py,rag/cite.py,rag/disagreement.py,rag/reader/__init__.py,$\
  rag/reader/evidence.py,rag/writer/generate.py,rag/writer/sentence_checker.py,rag/check/roles.py,rag/writer/prompt.py,rag/writer/quote.py,rag/writer/sentence_cutter.py,$\
  rag/writer/thoughts.py,index/build/generation.py,index/build/manifest.py,index/build/reader_marks.py

.PHONY: serve chat test test-slow coverage check lint fix bench pictures clean

serve: $(VENV)/.ready
	@$(RUN) app.py serve

chat: serve

test: $(VENV)/.ready-dev
	$(RUN) -m pytest -n 2 --dist loadfile -m "not slow and not browser"

test-slow: $(VENV)/.ready-dev
	$(RUN) -m pytest -n 2 --dist loadfile -m "slow or browser"

coverage: $(VENV)/.ready-dev
	$(RUN) -m pytest -n 2 --dist loadfile -m "not slow and not browser" --cov --cov-report term:skip-covered
	$(RUN) -m coverage report --include=$(DECIDING) --show-missing --fail-under=100 --precision=2

check: lint test

lint: $(VENV)/.ready-dev
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

fix: $(VENV)/.ready-dev
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

bench: $(VENV)/.ready-dev
	$(RUN) app.py evaluate seeds/questions.jsonl --corpus seeds
	$(RUN) app.py evaluate $(DATA)/squad/dev.json.gz --corpus same
	$(RUN) app.py evaluate benchmarks/attacks/questions.jsonl --corpus benchmarks/attacks
	$(RUN) -m benchmarks.retrieval $(DATA)/squad/dev.json.gz
	$(RUN) -m benchmarks.regressions $(DATA)/squad/train.json.gz
	$(RUN) -m benchmarks.question_sets
	$(RUN) -m benchmarks.check $(DATA)/wice/claim-oracle-chunks-dev.jsonl.gz --squad $(DATA)/squad/dev.json.gz
	$(RUN) -m benchmarks.written

pictures: $(VENV)/.ready-dev
	$(RUN) -m benchmarks.pictures
	$(RUN) -m benchmarks.moving_picture

clean:
	rm -rf $(VENV)

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "The environment could not be made. On Debian: apt-get install python3-venv"; exit 1; }

# A stamp is written only when everything is installed, so that an install that was cut off is taken up again.
$(VENV)/.ready: requirements.txt constraints.txt | $(RUN)
	@echo "Installing (once, a few minutes) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
