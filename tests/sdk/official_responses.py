"""Plays Smartcar's own 3.0.1, in a process of its own: cases on stdin, outcomes on stdout.

A case is ``{"call", "made", "args", "root"}``. The server behind ``root`` knows the response. An outcome is
``{"result"}`` or ``{"raised", "message"}``.
"""

import json
import sys
from datetime import datetime

import smartcar
from smartcar import const

assert smartcar.__version__ == "3.0.1"


def play(case):
    const.API_URL = case["root"] + "/v1.0"
    const.AUTH_URL = case["root"] + "/oauth/token"
    owner, _, name = case["call"].rpartition(".")
    if owner == "AuthClient":
        found = getattr(smartcar.AuthClient(**case["made"]), name)
    elif owner == "Vehicle":
        found = getattr(smartcar.Vehicle(**case["made"]), name)
    else:
        found = getattr(smartcar, name)
    try:
        return {"result": found(*case["args"])}
    except Exception as error:
        return {"raised": type(error).__name__, "message": str(error)}


def plain(value):
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    raise TypeError(value)


json.dump([play(case) for case in json.load(sys.stdin)], sys.stdout, default=plain)
