import sys

from django_smartcar.simulator.server import main

sys.exit(main())
