"""How rows are named for people."""

from __future__ import annotations

from django.db import models

#: Makes with their own spelling. Smartcar sends all makes in capitals.
SPELLINGS = {
    "BMW": "BMW",
    "GMC": "GMC",
    "MINI": "MINI",
    "MERCEDES_BENZ": "Mercedes-Benz",
    "ROLLS_ROYCE": "Rolls-Royce",
}


def make_as_written(make: str) -> str:
    """Return a make as it is spelled: ``"LAND_ROVER"`` is Land Rover, ``"BMW"`` BMW. Mixed case is kept."""
    return SPELLINGS.get(make) or (make.replace("_", " ").title() if make.isupper() else make)


def is_loaded(row: models.Model, *path: str) -> bool:
    """Return whether the row at the end of these foreign keys is loaded, so that its name takes no query."""
    for name in path:
        if not row._meta.get_field(name).is_cached(row):  # type: ignore[union-attr]
            return False
        row = getattr(row, name)
    return True
