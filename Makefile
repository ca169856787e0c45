# Forwards to run.py. Pass arguments as: make test ARGS="--quick"

PYTHON ?= python3

.PHONY: demo test lint matrix oldest messages docs screenshots bench
demo test lint matrix oldest messages docs screenshots bench:
	$(PYTHON) run.py $@ $(ARGS)
