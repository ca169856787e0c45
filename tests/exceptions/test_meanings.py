"""Every row of Smartcar's error table, provoked in the pretend Smartcar, arrives under its name."""

import copy
import pickle
import re

import pytest
from django.utils import translation

from django_smartcar import exceptions, sdk
from django_smartcar.exceptions import (
    AccessRefused,
    OwnerActionRequired,
    PermissionMissing,
    QuotaExceeded,
    RateLimited,
    ReconnectRequired,
    RequestInvalid,
    SignalNotAvailable,
    SmartcarAppError,
    SmartcarException,
    UpstreamFailed,
    VehicleNotCapable,
    VehicleNotFound,
    VehicleUnavailable,
    help_url,
    user_message,
)
from django_smartcar.services import commands, vehicles
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.faults.injection import FAULTS, V3_FAULTS, set_fault

#: fault -> its name, the SDK's class that it came as, and a part of the advice.
ROWS = {
    "AUTHENTICATION": (AccessRefused, "Authentication", "did not accept this site's access"),
    "AUTHENTICATION:UNAUTHORIZED": (AccessRefused, "Authentication", "did not accept this site's access"),
    "AUTHENTICATION:ACCESS_DENIED": (AccessRefused, "Permission", "did not accept this site's access"),
    "PERMISSION": (PermissionMissing, "Permission", "Connect the car again to ask"),
    "VALIDATION": (RequestInvalid, "Validation", "The fault is ours"),
    "VALIDATION:PARAMETER": (RequestInvalid, "Validation", "The fault is ours"),
    "VALIDATION:BAD_REQUEST": (RequestInvalid, "Validation", "The fault is ours"),
    "VALIDATION:CONFLICT": (RequestInvalid, "State", "The fault is ours"),
    "VALIDATION:INVALID_INPUT_FORMAT": (RequestInvalid, "Validation", "The fault is ours"),
    "VALIDATION:MISSING_PARAMETER": (RequestInvalid, "Validation", "The fault is ours"),
    "RESOURCE_NOT_FOUND:PATH": (RequestInvalid, "ResourceNotFound", "The fault is ours"),
    "RESOURCE_NOT_FOUND:VERSION": (RequestInvalid, "ResourceNotFound", "The fault is ours"),
    "RESOURCE_NOT_FOUND:NOT_FOUND": (VehicleNotFound, "ResourceNotFound", "does not know this car"),
    "CONNECTED_SERVICES_ACCOUNT:ACCOUNT_ISSUE": (OwnerActionRequired, "Validation", "log in to its app"),
    "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED": (ReconnectRequired, "Validation", "new login there"),
    "CONNECTED_SERVICES_ACCOUNT:NO_VEHICLES": (OwnerActionRequired, "Validation", "There is no car in your"),
    "CONNECTED_SERVICES_ACCOUNT:PERMISSION": (ReconnectRequired, "Validation", "connect the car again"),
    "CONNECTED_SERVICES_ACCOUNT:SUBSCRIPTION": (OwnerActionRequired, "Validation", "Activate them"),
    "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING": (OwnerActionRequired, "Validation", "no longer in your"),
    "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED": (OwnerActionRequired, "Validation", "virtual key"),
    "VEHICLE_STATE:ASLEEP": (VehicleUnavailable, "State", "is asleep"),
    "VEHICLE_STATE:CHARGING_IN_PROGRESS": (VehicleUnavailable, "State", "is charging already"),
    "VEHICLE_STATE:CHARGING_PLUG_CONNECTED": (VehicleUnavailable, "State", "Unplug it"),
    "VEHICLE_STATE:CHARGING_PLUG_NOT_CONNECTED": (VehicleUnavailable, "State", "Plug it in"),
    "VEHICLE_STATE:CHARGE_FAULT": (VehicleUnavailable, "State", "gets no current"),
    "VEHICLE_STATE:DOOR_OPEN": (VehicleUnavailable, "State", "A door is open"),
    "VEHICLE_STATE:FULLY_CHARGED": (VehicleUnavailable, "State", "fully charged"),
    "VEHICLE_STATE:HOOD_OPEN": (VehicleUnavailable, "State", "The hood is open"),
    "VEHICLE_STATE:IGNITION_ON": (VehicleUnavailable, "State", "switched on"),
    "VEHICLE_STATE:IN_MOTION": (VehicleUnavailable, "State", "is moving"),
    "VEHICLE_STATE:LOW_BATTERY": (VehicleUnavailable, "State", "battery is too low"),
    "VEHICLE_STATE:NOT_CHARGING": (VehicleUnavailable, "State", "is not charging"),
    "VEHICLE_STATE:REMOTE_ACCESS_DISABLED": (VehicleUnavailable, "State", "Remote access is switched off"),
    "VEHICLE_STATE:TRUNK_OPEN": (VehicleUnavailable, "State", "The trunk is open"),
    "VEHICLE_STATE:UNKNOWN": (VehicleUnavailable, "State", "in its present state"),
    "VEHICLE_STATE:UNREACHABLE": (VehicleUnavailable, "State", "no reception"),
    "VEHICLE_STATE:VEHICLE_OFFLINE_FOR_SERVICE": (VehicleUnavailable, "State", "service mode"),
    "RATE_LIMIT:SMARTCAR_API": (RateLimited, "RateLimiting", "This site has asked Smartcar too often"),
    "RATE_LIMIT:VEHICLE": (RateLimited, "RateLimiting", "possible again in 120 seconds"),
    "BILLING:VEHICLE_LIMIT": (QuotaExceeded, "MonthlyLimitExceeded", "no room for another car"),
    "BILLING:VEHICLE_REQUEST_LIMIT": (QuotaExceeded, "MonthlyLimitExceeded", "for this month"),
    "BILLING:INVALID_PLAN": (QuotaExceeded, "MonthlyLimitExceeded", "does not cover this"),
    "BILLING:ACCOUNT_SUSPENDED": (QuotaExceeded, "MonthlyLimitExceeded", "is suspended"),
    "SERVER:INTERNAL": (UpstreamFailed, "Server", "try again in a few minutes"),
    "SERVER:RECORD_NOT_FOUND": (UpstreamFailed, "Server", "has no record"),
    "SERVER:MULTIPLE_RECORDS_FOUND": (UpstreamFailed, "Server", "has no record"),
    "COMPATIBILITY:MAKE_NOT_COMPATIBLE": (VehicleNotCapable, "NotCapable", "this make of car"),
    "COMPATIBILITY:SMARTCAR_NOT_CAPABLE": (VehicleNotCapable, "NotCapable", "with this car yet"),
    "COMPATIBILITY:VEHICLE_NOT_CAPABLE": (VehicleNotCapable, "NotCapable", "This car cannot do that"),
    "COMPATIBILITY:PLATFORM_NOT_CAPABLE": (ReconnectRequired, "NotCapable", "has a newer login"),
    "UPSTREAM:INVALID_DATA": (UpstreamFailed, "UnexpectedStatus", "try again later"),
    "UPSTREAM:KNOWN_ISSUE": (UpstreamFailed, "UnexpectedStatus", "try again later"),
    "UPSTREAM:NO_RESPONSE": (UpstreamFailed, "UnexpectedStatus", "try again later"),
    "UPSTREAM:RATE_LIMIT": (RateLimited, "UnexpectedStatus", "wait an hour"),
    "UPSTREAM:UNKNOWN_ISSUE": (UpstreamFailed, "UnexpectedStatus", "try again later"),
    "GATEWAY_TIMEOUT": (UpstreamFailed, "GatewayTimeout", "may or may not have done it"),
}

#: Where the driver can put it right, if Smartcar says where.
LINKS = {"CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED": "https://www.tesla.com/_ak/smartcar.com"}

EVERY = [("2.0", fault) for fault in FAULTS] + [("3", fault) for fault in (*FAULTS, *V3_FAULTS)]


def of_the_sdk(name):
    return getattr(sdk, name, None) or getattr(sdk, f"{name}Exception")


def failure_of(ask):
    with pytest.raises(SmartcarException) as raised:
        ask()
    return raised.value


def test_the_table_has_every_fault_that_the_pretend_smartcar_knows():
    assert set(ROWS) == {*FAULTS, *V3_FAULTS}


@pytest.mark.django_db
@pytest.mark.parametrize(("smartcar", "fault"), EVERY, indirect=["smartcar"])
def test_a_row_arrives_under_its_name_with_its_advice(smartcar, drives, fault):
    vehicle, name = drives().vehicles[0], ROWS[fault]
    is_v3 = vehicle.account.uses_v3
    set_fault(fault, "commands/security/lock" if is_v3 else "security", smartcar.car())
    told = failure_of(lambda: commands.send(vehicle, "lock"))
    set_fault(fault, "signals/odometer-traveleddistance" if is_v3 else "odometer", smartcar.car())
    read = failure_of(lambda: vehicles.odometer(vehicle))
    for failure, scope in ((told, "control_security"), (read, "read_odometer")):
        kind, seed, sentence = name
        if failure is read and is_v3 and seed == "ResourceNotFound":
            kind, seed, sentence = SignalNotAvailable, "NotStored", "has not collected this"
        assert isinstance(failure, kind)
        assert isinstance(failure, of_the_sdk(seed))
        assert type(failure).__name__ == kind.__name__
        assert sentence in user_message(failure)
        with translation.override("de"):
            assert sentence not in user_message(failure), "there is a translation"
        assert not isinstance(failure, PermissionMissing) or failure.scope == scope
        # What API v3 says of a signal is the type and the code alone.
        assert help_url(failure) == ("" if is_v3 and failure is read else LINKS.get(fault, ""))


@pytest.mark.django_db
@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_for_a_new_login_smartcars_own_link_is_not_given_away(smartcar, drives):
    """Whoever comes back by it would be a stranger: this site's button knows them."""
    vehicle = drives().vehicles[0]
    set_fault("CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED", "security", smartcar.car())
    failure = failure_of(lambda: commands.send(vehicle, "lock"))
    assert "/connect/oauth/reauthenticate?" in failure.resolution["url"]
    assert help_url(failure) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("smartcar", ["3"], indirect=True)
@pytest.mark.parametrize(
    ("status", "code", "kind", "sentence"),
    [
        (400, "bad_request", RequestInvalid, "The fault is ours"),
        (401, "unauthorized", AccessRefused, "did not accept this site's access"),
        (403, "forbidden", PermissionMissing, "Connect the car again to ask"),
        (404, "not_found", VehicleNotFound, "does not know this car"),
        (500, "internal_error", UpstreamFailed, "try again in a few minutes"),
    ],
)
def test_a_code_of_the_early_generation_3_arrives_without_a_type(
    smartcar, drives, wire, settings, status, code, kind, sentence
):
    wire.mock.add_passthru(smartcar.url)
    vehicle = drives().vehicles[0]
    settings.SMARTCAR_VEHICLE_API_URL = "https://vehicle.api.smartcar.com"
    wire.mock.add("POST", re.compile("https://vehicle.*"), status=status, json={"errors": [{"code": code}]})
    failure = failure_of(lambda: commands.send(vehicle, "lock"))
    assert isinstance(failure, kind)
    assert (failure.type, failure.code) == (None, code)
    assert sentence in user_message(failure)


@pytest.mark.parametrize(
    ("code", "scope"), [("SMARTCAR_API", "application"), ("VEHICLE", "vehicle"), (None, "vehicle")]
)
def test_a_rate_limit_says_whose_it_is(code, scope):
    error = sdk.RateLimitingException("…", type="RATE_LIMIT", code=code, retry_after=7.0)
    failure = exceptions.named(error)
    assert (failure.scope, failure.retry_after) == (scope, 7)


def test_what_has_no_name_stays_as_it_is_and_a_name_is_given_once():
    for error in (sdk.NoAnswerException(), sdk.SignalNotAvailable(), sdk.UnexpectedStatusException()):
        assert exceptions.named(error) is error
    failure = exceptions.named(sdk.StateException("…", type="VEHICLE_STATE", code="ASLEEP"))
    assert exceptions.named(failure) is failure


def pickled(error):
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_a_failure_of_two_classes_survives_copies_and_task_queues(again):
    error = sdk.UnexpectedStatusException("UPSTREAM", type="UPSTREAM", code="NO_RESPONSE", status_code=502)
    failure = again(exceptions.named(error))
    assert isinstance(failure, UpstreamFailed)
    assert isinstance(failure, sdk.UnexpectedStatusException)
    assert (str(failure), failure.code, failure.status_code) == ("UPSTREAM", "NO_RESPONSE", 502)


def test_a_new_login_is_of_the_app_and_of_the_sdk_and_has_its_account():
    error = sdk.ValidationException("…", type="CONNECTED_SERVICES_ACCOUNT", code="AUTHENTICATION_FAILED")
    failure = exceptions.named(error, account="the account")
    assert isinstance(failure, SmartcarAppError)
    assert isinstance(failure, sdk.ValidationException)
    assert failure.account == "the account"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://www.tesla.com/", "//x", ""])
def test_only_a_safe_address_is_a_link(url):
    resolution = {"type": "ACTION_REQUIRED", "url": url}
    assert help_url(sdk.ValidationException("…", code="VIRTUAL_KEY_REQUIRED", resolution=resolution)) == ""
    assert injection.error_of("CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED").url.startswith("https://")
