"""What vehicles do: drive, charge, obey commands, and what they did before they were connected."""

from . import history

__all__ = ["history"]
