"""Benchmarks for the numbers in the README, each next to a peer in one run: ``python3 run.py bench``."""
