from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from benchmarks.bare.models import Received


@csrf_exempt
def store(request: HttpRequest) -> JsonResponse:
    Received.objects.create(body=request.body.decode())
    return JsonResponse({})
