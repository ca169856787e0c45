"""Downloads of a user's readings."""

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..models import ConnectedVehicle
from ..services.privacy import export

FORMATS = {
    "csv": (export.readings_csv, "text/csv; charset=utf-8"),
    "json": (export.readings_json, "application/json"),
}


@require_safe
@never_cache
@login_required
def download(request: HttpRequest, file_format: str, pk: int | None = None) -> StreamingHttpResponse:
    """Stream all readings of the user's vehicles, or of one; disconnected vehicles are included."""
    vehicles: QuerySet[ConnectedVehicle] = ConnectedVehicle.objects.for_user(request.user)
    if pk is not None:
        vehicles = vehicles.filter(pk=get_object_or_404(vehicles, pk=pk).pk)
    write, content_type = FORMATS[file_format]
    name = "readings" if pk is None else f"readings-{pk}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}
    return StreamingHttpResponse(write(vehicles), content_type=content_type, headers=headers)
