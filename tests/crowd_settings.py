"""The example's settings, with a management token that the crowd signs with."""

from example.settings import *  # noqa: F403

SMARTCAR_MANAGEMENT_TOKENS = ["the-management-token"]
SMARTCAR_WEBHOOK_WORK = "command"
