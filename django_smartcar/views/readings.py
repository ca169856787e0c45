"""Downloads of a user's readings."""

from collections.abc import AsyncIterator, Iterator
from itertools import chain, islice
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.formats import get_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..exceptions import TooManyRequests
from ..models import ConnectedVehicle
from ..services import throttling
from ..services.privacy import export
from .limits import limit_page


def _csv(vehicles: QuerySet[ConnectedVehicle]) -> Iterator[str]:
    """Return CSV for a spreadsheet in the user's language, which learns from the BOM that it is UTF-8."""
    separator = get_format("DECIMAL_SEPARATOR")
    return chain(["\ufeff"], export.readings_csv(vehicles, decimal_separator=separator))


#: Lines of a download that a thread reads at once for ASGI.
PARTS_AT_ONCE = 500

FORMATS = {
    "csv": (_csv, "text/csv; charset=utf-8"),
    "json": (export.readings_json, "application/json"),
}


class Download(StreamingHttpResponse):
    """A download that its user's limit counts until it ends, or the client has gone."""

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def close(self) -> None:
        if self._user is not None:
            throttling.give_back(self._user, "download", 1)
            self._user = None
        super().close()


@require_safe
@never_cache
@login_required
def download(request: HttpRequest, file_format: str, pk: int | None = None) -> HttpResponseBase:
    """Stream all readings of the user's vehicles, or of one; disconnected vehicles are included."""
    vehicles: QuerySet[ConnectedVehicle] = ConnectedVehicle.objects.for_user(request.user)
    if pk is not None:
        vehicles = vehicles.filter(pk=get_object_or_404(vehicles, pk=pk).pk)
    try:
        throttling.check(request.user, "download")
    except TooManyRequests as error:
        return limit_page(request, error)
    write, content_type = FORMATS[file_format]
    name = "readings" if pk is None else f"readings-{pk}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}
    parts = write(vehicles)
    # Under ASGI, Django would read a synchronous iterator to its end before it sends anything.
    content = _asynchronous(parts) if isinstance(request, ASGIRequest) else parts
    return Download(request.user, content, content_type=content_type, headers=headers)


async def _asynchronous(parts: Iterator[str]) -> AsyncIterator[str]:
    """Yield the parts, read in the thread that has the request's database connection."""
    read_some = sync_to_async(lambda: "".join(islice(parts, PARTS_AT_ONCE)))
    while text := await read_some():
        yield text
