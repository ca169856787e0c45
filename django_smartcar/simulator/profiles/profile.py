"""What a shape profile consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.utils.functional import Promise

from ..store.models import Car

#: The resource of a signal in API v3. Webhooks are built from it as well.
Resource = dict[str, Any]
#: Changes the resource of a signal that has a value, in place.
SignalChange = Callable[[Resource, Car], None]
#: Changes the attributes of a vehicle in API v3 and in webhooks, in place.
VehicleChange = Callable[[dict[str, Any]], None]
#: Changes the body of a path of API v2, in place.
V2Change = Callable[[str, dict[str, Any]], None]


class Page(NamedTuple):
    """How a list of API v3 is paged: its parameters, its default size, and the page's name in ``meta``."""

    number: str = "page[number]"
    size: str = "page[size]"
    meta_number: str = "pageNumber"
    #: None: the size that is documented for the list.
    default_size: int | None = None


class Complaint(NamedTuple):
    """An error in a VEHICLE_ERROR that no request has caused.

    ``signals`` are ``Group.Name``; ``reference`` is how one is written. None: the error names no signals.
    """

    type: str
    code: str | None
    signals: tuple[str, ...] | None = None
    reference: Callable[[str], Any] = str


@dataclass(frozen=True)
class Profile:
    """What the cars of one brand send where it differs from Smartcar's documentation."""

    title: str | Promise
    #: Ids of the makes whose cars send this.
    brands: tuple[str, ...] = ()
    #: Applied in this order to each signal that has a value.
    signals: tuple[SignalChange, ...] = ()
    #: Codes of signals that the car never tells: not listed, not in webhooks, 404 if asked for.
    omitted: frozenset[str] = field(default_factory=frozenset)
    vehicle: tuple[VehicleChange, ...] = ()
    v2: tuple[V2Change, ...] = ()
    #: The errors of the VEHICLE_ERROR that comes although everything works.
    complaints: tuple[Complaint, ...] = ()
    page: Page = Page()
    #: Whether the list of signals is a 404 instead of empty while Smartcar stores none.
    is_empty_list_missing: bool = False
