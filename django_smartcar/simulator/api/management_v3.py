"""management.api.smartcar.com, ``/v3/…``: applications, webhooks and subscriptions (API v3)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from .. import store
from ..conf import conf
from ..errors.v3 import missing as missing_parameter
from ..errors.v3 import not_found
from ..store.models import Webhook
from ..vehicles.v2_readings import timestamp
from ..webhooks import registry
from ..webhooks.registry import Subscription
from .v3_pagination import paginate
from .v3_responses import absolute_url, json_attributes, parse_uuid, require_method, v3_api_view

_HOST = "management-api"


@v3_api_view
def application_list(request: HttpRequest) -> HttpResponseBase:
    """List the applications: there is one."""
    require_method(request, "GET")
    return JsonResponse(paginate(request, [_application_resource(request)], dict, size=50))


@v3_api_view
def application_detail(request: HttpRequest, application_id: str) -> HttpResponseBase:
    """Return the application."""
    require_method(request, "GET")
    _check_application(application_id)
    return JsonResponse({"data": _application_resource(request)})


@v3_api_view
def secret_list(request: HttpRequest, application_id: str) -> HttpResponseBase:
    """List the application's secrets, without their values: only Smartcar's dashboard shows those, once."""
    require_method(request, "GET")
    _check_application(application_id)
    secret = {
        "id": "secret_1",
        "type": "secret",
        "attributes": {"clientId": conf.SMARTCAR_SIMULATOR_M2M_CLIENT_ID, "name": "Example secret"},
    }
    return JsonResponse(paginate(request, [secret], dict, size=50))


@v3_api_view
def webhook_list(request: HttpRequest) -> HttpResponseBase:
    """List the webhooks of the application."""
    require_method(request, "GET")
    with store.changes() as state:
        found = [webhook for webhook in state.webhooks.values() if _webhook_matches(request, webhook)]
        return JsonResponse(
            paginate(request, found, lambda webhook: _webhook_resource(request, webhook), size=50)
        )


@v3_api_view
def webhook_detail(request: HttpRequest, webhook_id: str) -> HttpResponseBase:
    """Return a webhook."""
    require_method(request, "GET")
    with store.changes():
        found = registry.get_webhook(parse_uuid("webhookId", webhook_id))
        return JsonResponse({"data": _webhook_resource(request, found)})


@v3_api_view
def subscription_list(request: HttpRequest) -> HttpResponseBase:
    """List the subscriptions of connected vehicles, or create one."""
    require_method(request, "GET", "POST")
    if request.method == "POST":
        return _subscribe(request)
    with store.changes():
        found = [each for each in registry.subscriptions() if _subscription_matches(request, each)]
        return JsonResponse(
            paginate(request, found, lambda each: _subscription_resource(request, each), size=25)
        )


@v3_api_view
def subscription_detail(request: HttpRequest, subscription_id: str) -> HttpResponseBase:
    """Return or delete a subscription."""
    require_method(request, "GET", "DELETE")
    with store.changes():
        found = registry.get_subscription(parse_uuid("subscriptionId", subscription_id))
        if request.method == "DELETE":
            registry.unsubscribe(found)
            return HttpResponse(status=204)
        return JsonResponse({"data": _subscription_resource(request, found)})


@v3_api_view
def path_not_found(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer any other path of this host with 404."""
    raise not_found("path")


def _subscribe(request: HttpRequest) -> HttpResponseBase:
    attributes = json_attributes(request)
    names = ("webhookId", "userId", "vehicleId")
    for name in names:
        if not attributes.get(name):
            raise missing_parameter(name)
    registry.subscribe(*(parse_uuid(name, attributes[name]) for name in names))
    return JsonResponse({"meta": {"message": "subscription creation in progress"}}, status=202)


def _check_application(application_id: str) -> None:
    if application_id != conf.SMARTCAR_SIMULATOR_CLIENT_ID:
        raise not_found("application")


def _application_resource(request: HttpRequest) -> dict[str, Any]:
    application_id = conf.SMARTCAR_SIMULATOR_CLIENT_ID
    return {
        "id": application_id,
        "type": "application",
        "attributes": {
            "name": conf.SMARTCAR_SIMULATOR_APPLICATION_NAME,
            "redirectUris": list(conf.SMARTCAR_SIMULATOR_REDIRECT_URIS),
        },
        "links": {"self": absolute_url(request, _HOST, f"applications/{application_id}")},
    }


def _webhook_resource(request: HttpRequest, webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "type": "webhook",
        "attributes": {
            "name": webhook.name,
            "callbackUri": webhook.callback_uri,
            "isEnabled": webhook.is_enabled,
            "autoSubscribe": webhook.auto_subscribe,
        },
        "meta": {"createdAt": timestamp(webhook.created_at), "updatedAt": timestamp(webhook.created_at)},
        "links": {"self": absolute_url(request, _HOST, f"webhooks/{webhook.id}")},
    }


def _subscription_resource(request: HttpRequest, subscription: Subscription) -> dict[str, Any]:
    connection = subscription.connection
    return {
        "id": subscription.id,
        "type": "subscription",
        "attributes": {
            "vehicle": {
                "make": connection.car.make,
                "model": connection.car.model,
                "year": connection.car.year,
                "mode": connection.mode,
                "powertrainType": connection.car.powertrain,
            }
        },
        # The simulator does not store when a subscription began: the connection's time is close enough.
        "meta": {
            "createdAt": timestamp(connection.created_at),
            "updatedAt": timestamp(connection.updated_at),
        },
        "relationships": {
            "webhook": {"data": {"id": subscription.webhook_id, "type": "webhook"}},
            "user": {"data": {"id": connection.owner_id, "type": "user"}},
            "vehicle": {"data": {"id": connection.car.id, "type": "vehicle"}},
        },
        "links": {"self": absolute_url(request, _HOST, f"subscriptions/{subscription.id}")},
    }


def _webhook_matches(request: HttpRequest, webhook: Webhook) -> bool:
    values = {
        "filter[name]": webhook.name,
        "filter[callbackUri]": webhook.callback_uri,
        "filter[isEnabled]": str(webhook.is_enabled).lower(),
        "filter[autoSubscribe]": str(webhook.auto_subscribe).lower(),
    }
    return all(request.GET.get(name) in (None, value) for name, value in values.items())


def _subscription_matches(request: HttpRequest, subscription: Subscription) -> bool:
    values = {
        "filter[userId]": subscription.connection.owner_id,
        "filter[webhookId]": subscription.webhook_id,
        "filter[vehicleId]": subscription.connection.car.id,
        "filter[vehicle.mode]": subscription.connection.mode,
    }
    return all(request.GET.get(name) in (None, value) for name, value in values.items())
