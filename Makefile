# Forwards to run.py. Pass arguments as: make test ARGS="--quick"

PYTHON ?= python3

.PHONY: demo test lint matrix docs bench
demo test lint matrix docs bench:
	$(PYTHON) run.py $@ $(ARGS)
