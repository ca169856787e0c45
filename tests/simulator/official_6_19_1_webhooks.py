# ruff: noqa: T201 - a script that runs where there is no pytest
"""Verify webhooks with SDK 6.19.1: read them from stdin, print what it says of each.

Started by test_official_signatures.py.
"""

import json
import sys

import smartcar

deliveries = json.load(sys.stdin)
token = deliveries["token"]
print(
    json.dumps(
        {
            "verified": [
                smartcar.verify_payload(token, event["signature"], event["body"])
                for event in deliveries["events"]
            ],
            "hashes": [smartcar.hash_challenge(token, text) for text in deliveries["challenges"]],
        }
    )
)
