"""management.api.smartcar.com: v3's applications, webhooks and subscriptions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from .. import store
from ..conf import conf
from ..errors.v2 import APPLICATION_NAME
from ..errors.v3 import missing as missing_parameter
from ..errors.v3 import not_found
from ..store.models import Webhook
from ..vehicles.values import timestamp
from ..webhooks import registry
from ..webhooks.registry import Subscription
from .v3_responses import address, answering_v3, identifier, json_attributes, need_method, page_of

_HOST = "management-api"


@answering_v3
def application_list(request: HttpRequest) -> HttpResponseBase:
    """There is one."""
    need_method(request, "GET")
    return JsonResponse(page_of(request, [_application(request)], dict, size=50))


@answering_v3
def application(request: HttpRequest, application_id: str) -> HttpResponseBase:
    """The one."""
    need_method(request, "GET")
    _check_application(application_id)
    return JsonResponse({"data": _application(request)})


@answering_v3
def secret_list(request: HttpRequest, application_id: str) -> HttpResponseBase:
    """Which secrets there are. What they are is shown once, in the dashboard."""
    need_method(request, "GET")
    _check_application(application_id)
    secret = {
        "id": "secret_1",
        "type": "secret",
        "attributes": {"clientId": conf.SMARTCAR_SIMULATOR_M2M_CLIENT_ID, "name": "Pretend secret"},
    }
    return JsonResponse(page_of(request, [secret], dict, size=50))


@answering_v3
def webhook_list(request: HttpRequest) -> HttpResponseBase:
    """The webhooks of the application."""
    need_method(request, "GET")
    with store.changes() as state:
        found = [one for one in state.webhooks.values() if _is_wanted_webhook(request, one)]
        return JsonResponse(page_of(request, found, lambda one: _webhook(request, one), size=50))


@answering_v3
def webhook(request: HttpRequest, webhook_id: str) -> HttpResponseBase:
    """One webhook."""
    need_method(request, "GET")
    with store.changes():
        found = registry.get_webhook(identifier("webhookId", webhook_id))
        return JsonResponse({"data": _webhook(request, found)})


@answering_v3
def subscription_list(request: HttpRequest) -> HttpResponseBase:
    """The subscriptions of connected cars, or a new one."""
    need_method(request, "GET", "POST")
    if request.method == "POST":
        return _subscribe(request)
    with store.changes():
        found = [one for one in registry.subscriptions() if _is_wanted_subscription(request, one)]
        return JsonResponse(page_of(request, found, lambda one: _subscription(request, one), size=25))


@answering_v3
def subscription(request: HttpRequest, subscription_id: str) -> HttpResponseBase:
    """One subscription, to read or to end."""
    need_method(request, "GET", "DELETE")
    with store.changes():
        found = registry.get_subscription(identifier("subscriptionId", subscription_id))
        if request.method == "DELETE":
            registry.unsubscribe(found)
            return HttpResponse(status=204)
        return JsonResponse({"data": _subscription(request, found)})


@answering_v3
def missing(request: HttpRequest, path: str) -> HttpResponseBase:
    """Any other path of this host."""
    raise not_found("path")


def _subscribe(request: HttpRequest) -> HttpResponseBase:
    attributes = json_attributes(request)
    names = ("webhookId", "userId", "vehicleId")
    for name in names:
        if not attributes.get(name):
            raise missing_parameter(name)
    registry.subscribe(*(identifier(name, attributes[name]) for name in names))
    return JsonResponse({"meta": {"message": "subscription creation in progress"}}, status=202)


def _check_application(application_id: str) -> None:
    if application_id != conf.SMARTCAR_SIMULATOR_CLIENT_ID:
        raise not_found("application")


def _application(request: HttpRequest) -> dict[str, Any]:
    identity = conf.SMARTCAR_SIMULATOR_CLIENT_ID
    return {
        "id": identity,
        "type": "application",
        "attributes": {
            "name": APPLICATION_NAME,
            "redirectUris": list(conf.SMARTCAR_SIMULATOR_REDIRECT_URIS),
        },
        "links": {"self": address(request, _HOST, f"applications/{identity}")},
    }


def _webhook(request: HttpRequest, one: Webhook) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": "webhook",
        "attributes": {
            "name": one.name,
            "callbackUri": one.callback_uri,
            "isEnabled": one.is_enabled,
            "autoSubscribe": one.auto_subscribe,
        },
        "meta": {"createdAt": timestamp(one.created_at), "updatedAt": timestamp(one.created_at)},
        "links": {"self": address(request, _HOST, f"webhooks/{one.id}")},
    }


def _subscription(request: HttpRequest, one: Subscription) -> dict[str, Any]:
    known = one.connection
    return {
        "id": one.id,
        "type": "subscription",
        "attributes": {
            "vehicle": {
                "make": known.car.make,
                "model": known.car.model,
                "year": known.car.year,
                "mode": known.mode,
                "powertrainType": known.car.powertrain,
            }
        },
        # When exactly it began is not kept: not before its connection.
        "meta": {"createdAt": timestamp(known.created_at), "updatedAt": timestamp(known.updated_at)},
        "relationships": {
            "webhook": {"data": {"id": one.webhook_id, "type": "webhook"}},
            "user": {"data": {"id": known.owner_id, "type": "user"}},
            "vehicle": {"data": {"id": known.car.id, "type": "vehicle"}},
        },
        "links": {"self": address(request, _HOST, f"subscriptions/{one.id}")},
    }


def _is_wanted_webhook(request: HttpRequest, one: Webhook) -> bool:
    facts = {
        "filter[name]": one.name,
        "filter[callbackUri]": one.callback_uri,
        "filter[isEnabled]": str(one.is_enabled).lower(),
        "filter[autoSubscribe]": str(one.auto_subscribe).lower(),
    }
    return all(request.GET.get(name) in (None, fact) for name, fact in facts.items())


def _is_wanted_subscription(request: HttpRequest, one: Subscription) -> bool:
    facts = {
        "filter[userId]": one.connection.owner_id,
        "filter[webhookId]": one.webhook_id,
        "filter[vehicleId]": one.connection.car.id,
        "filter[vehicle.mode]": one.connection.mode,
    }
    return all(request.GET.get(name) in (None, fact) for name, fact in facts.items())
