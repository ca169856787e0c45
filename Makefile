# Forwards to run.py, which needs Python 3.11 or newer and nothing else.

PYTHON ?= python3

.PHONY: demo test lint matrix bench
demo test lint matrix bench:
	$(PYTHON) run.py $@ $(ARGS)
