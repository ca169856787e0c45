"""The sides of the comparisons: one function for each, which returns its measurement and what it has done.

``run.py`` installs Smartcar's own SDK into the folder `OFFICIAL`.
"""

import sys
from pathlib import Path

OFFICIAL = Path(sys.prefix) / "official" / "smartcar-6.19.1"
