"""Run calls of Smartcar's SDK 3.0.1 in a separate process: cases on stdin, outcomes on stdout.

A case is ``{"call", "init", "args", "root"}``; requests go to the server at ``root``. An outcome is
``{"result"}`` or ``{"raised", "message"}``.
"""

import json
import sys
from datetime import datetime

import smartcar
from smartcar import const

assert smartcar.__version__ == "3.0.1"


def run_case(case):
    const.API_URL = case["root"] + "/v1.0"
    const.AUTH_URL = case["root"] + "/oauth/token"
    owner, _, name = case["call"].rpartition(".")
    if owner == "AuthClient":
        function = getattr(smartcar.AuthClient(**case["init"]), name)
    elif owner == "Vehicle":
        function = getattr(smartcar.Vehicle(**case["init"]), name)
    else:
        function = getattr(smartcar, name)
    try:
        return {"result": function(*case["args"])}
    except Exception as error:
        return {"raised": type(error).__name__, "message": str(error)}


def serialize_datetime(value):
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    raise TypeError(value)


json.dump([run_case(case) for case in json.load(sys.stdin)], sys.stdout, default=serialize_datetime)
