"""The endpoint of Smartcar's webhooks: exempt from CSRF checks and logins, and it never redirects."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from .. import addresses
from ..conf import conf
from ..databases import outside_transactions
from ..secret_types import Secret, SecretBytes
from ..services import webhooks


@csrf_exempt
@login_not_required
@outside_transactions
@require_POST
@sensitive_variables()
def webhook(request: HttpRequest, endpoint: str = "") -> HttpResponse:
    """Receive a webhook; anyone can send one, so the service verifies its signature."""
    if not webhooks.is_endpoint(endpoint):
        return JsonResponse({}, status=404)
    # `request.body` would check Django's limit, too.
    limit = min(webhooks.MAX_BODY_BYTES, conf.max_upload_bytes)
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        # Not `request.body`, which would stay on the request: error reports include it.
        body = SecretBytes(request.read() if length <= limit else b"")
    except (UnreadablePostError, ValueError):
        return JsonResponse({}, status=400)
    if max(length, len(body)) > limit:
        return JsonResponse({}, status=413)
    if length and not body:  # a middleware has read it
        return JsonResponse({}, status=400)
    signature = Secret(request.META.get("HTTP_SC_SIGNATURE", ""))
    response = webhooks.receive(endpoint, body, signature)
    if response.status == 400 and body == webhooks.NO_EVENT:  # `check_smartcar` asks, with our token
        return JsonResponse({"redirect_uri": addresses.redirect_uri(request)}, status=400)
    return JsonResponse(response.body, status=response.status)
