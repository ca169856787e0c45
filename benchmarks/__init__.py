"""Each number of the README, measured beside a peer in one run: ``python3 run.py bench``."""
