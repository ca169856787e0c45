"""The package's description: README.rst without its picture, which an index does not have. See setup.cfg."""

import re
from pathlib import Path

from setuptools import setup

README = Path("README.rst").read_text(encoding="utf-8")

setup(long_description=re.sub(r"^\.\. image:: .*\n(?: .*\n)*\n", "", README, flags=re.M))
