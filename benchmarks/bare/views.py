from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from benchmarks.bare.models import Received


@csrf_exempt
def store(request: HttpRequest) -> JsonResponse:
    Received.objects.create(body=request.body.decode())
    return JsonResponse({})


@login_required
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<!doctype html><title>Bare</title><p>{request.user}")
