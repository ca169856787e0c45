"""Who is measured: a function for each side, which answers what it took and what it has done.

Smartcar's own SDK lies where ``run.py`` has put it.
"""

import sys
from pathlib import Path

OFFICIAL = Path(sys.prefix) / "official" / "smartcar-6.19.1"
