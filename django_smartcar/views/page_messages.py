"""Messages of django.contrib.messages on this app's pages: each is shown once, wherever that is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from ..models import ConnectedVehicle


class OnceShown:
    """Messages of which each is yielded once: by the site's layout or, if that shows none, by the page."""

    def __init__(self, waiting: list[Any]) -> None:
        self._waiting = waiting

    def __iter__(self) -> Iterator[Any]:
        while self._waiting:
            yield self._waiting.pop(0)

    def __len__(self) -> int:
        return len(self._waiting)


def take(request: HttpRequest, vehicles: Iterable[Any]) -> OnceShown:
    """Set the messages about each of these vehicles as its ``notices``; return all others."""
    by_tag = {tag_of(vehicle): vehicle for vehicle in vehicles}
    for vehicle in by_tag.values():
        vehicle.notices = []
    others = []
    for message in messages.get_messages(request):
        if (vehicle := by_tag.get(message.extra_tags)) is not None:
            vehicle.notices.append(message)
        else:
            others.append(message)
    return OnceShown(others)


def tag_of(vehicle: ConnectedVehicle) -> str:
    return f"vehicle-{vehicle.pk}"
