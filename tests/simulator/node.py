"""Run scripts with Node, if it is installed."""

import json
import shutil
import subprocess

from tests.missing import skip_or_fail


def run_node(script, value):
    """Run a script that gets the value as ``input`` and writes JSON to stdout; return what it wrote."""
    node = shutil.which("node")
    if node is None:
        skip_or_fail("Node.js is not installed")
    prelude = 'const input = JSON.parse(require("fs").readFileSync(0, "utf8"));\n'
    finished = subprocess.run(
        [node, "-e", prelude + script], input=json.dumps(value), capture_output=True, text=True, check=True
    )
    return json.loads(finished.stdout)
