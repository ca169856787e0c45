"""Benchmarks for the numbers in docs/, each next to a peer in one run: ``python3 run.py bench``."""
