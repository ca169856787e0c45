"""Places for maps, and addresses as places, which the site's own function finds: ``SMARTCAR_GEOCODER``."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from django.utils.module_loading import import_string

from .. import sdk
from ..conf import conf
from ..exceptions import AddressSearchFailed
from ..secret_types import Coordinate, Secret

logger = logging.getLogger(__name__)

#: No address is longer.
MAX_ADDRESS_LENGTH = 200

#: A page with a map of a place, which opens only when somebody asks for it.
_MAP_URL = "https://www.openstreetmap.org/?mlat=%s&mlon=%s#map=16/%s/%s"


class Place(NamedTuple):
    """A place in degrees, and what it is called, as texts for a page."""

    latitude: Secret
    longitude: Secret
    label: Secret = Secret()

    @property
    def coordinates(self) -> Secret:
        """Both, for the script of maps: ``"48.13710,11.57640"``."""
        return Secret(f"{self.latitude.reveal()},{self.longitude.reveal()}")

    @property
    def map_url(self) -> Secret:
        """The address of a page with a map of the place."""
        degrees = self.latitude.reveal(), self.longitude.reveal()
        return Secret(_MAP_URL % (*degrees, *degrees))


def place_of(latitude: float, longitude: float, label: object = "") -> Place:
    """Return a place as texts. Raises ValueError or TypeError if there is none with these coordinates."""
    latitude, longitude = Coordinate(latitude), Coordinate(longitude)
    sdk.check_coordinates(latitude, longitude)
    return Place(Secret(f"{float(latitude):.5f}"), Secret(f"{float(longitude):.5f}"), Secret(label))


def find(address: Secret) -> Place | None:
    """Return the place of an address; None if there is none. Raises AddressSearchFailed."""
    geocode: Any = import_string(conf.SMARTCAR_GEOCODER)
    try:
        found = _place_or_none(geocode(address.reveal()[:MAX_ADDRESS_LENGTH]))
    except Exception as error:  # the function is the site's own
        # The error's text may have the address in it.
        logger.error("SMARTCAR_GEOCODER failed: %s", type(error).__name__)
    else:
        return found
    raise AddressSearchFailed


def _place_or_none(found: tuple[float, float, object] | None) -> Place | None:
    return None if found is None else place_of(*found)
