"""Every error of Smartcar's table, raised by the simulator, has its class and its message."""

import copy
import pickle
import re

import pytest
from django.utils import translation

from django_smartcar import sdk
from django_smartcar.exceptions import (
    AuthenticationException,
    GatewayTimeoutException,
    LoginOutdated,
    LoginRequired,
    MonthlyLimitExceeded,
    NotCapableException,
    OwnerActionRequired,
    PermissionException,
    PermissionMissing,
    RateLimited,
    RateLimitingException,
    ReconnectRequired,
    ResourceNotFoundException,
    ServerException,
    SignalNotAvailable,
    SmartcarException,
    StateException,
    UnexpectedStatusException,
    UpstreamException,
    ValidationException,
    help_url,
    user_message,
)
from django_smartcar.services import commands, vehicles
from django_smartcar.simulator.faults import injection
from django_smartcar.simulator.faults.injection import FAULTS, V3_FAULTS, set_fault

#: fault -> class, and a part of the message.
ROWS = {
    "AUTHENTICATION": (AuthenticationException, "did not accept this site's access"),
    "AUTHENTICATION:UNAUTHORIZED": (AuthenticationException, "did not accept this site's access"),
    "AUTHENTICATION:ACCESS_DENIED": (PermissionException, "did not accept this site's access"),
    "PERMISSION": (PermissionMissing, "Connect the car again to ask"),
    "VALIDATION": (ValidationException, "The fault is ours"),
    "VALIDATION:PARAMETER": (ValidationException, "The fault is ours"),
    "VALIDATION:BAD_REQUEST": (ValidationException, "The fault is ours"),
    "VALIDATION:INVALID_INPUT_FORMAT": (ValidationException, "The fault is ours"),
    "VALIDATION:MISSING_PARAMETER": (ValidationException, "The fault is ours"),
    "RESOURCE_NOT_FOUND:PATH": (ResourceNotFoundException, "The fault is ours"),
    "RESOURCE_NOT_FOUND:VERSION": (ResourceNotFoundException, "The fault is ours"),
    "CONNECTED_SERVICES_ACCOUNT:ACCOUNT_ISSUE": (
        OwnerActionRequired,
        "log in to its app",
    ),
    "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED": (
        LoginRequired,
        "new login there",
    ),
    "CONNECTED_SERVICES_ACCOUNT:NO_VEHICLES": (
        OwnerActionRequired,
        "There is no car in your",
    ),
    "CONNECTED_SERVICES_ACCOUNT:PERMISSION": (LoginRequired, "connect the car again"),
    "CONNECTED_SERVICES_ACCOUNT:SUBSCRIPTION": (OwnerActionRequired, "Activate them"),
    "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING": (
        OwnerActionRequired,
        "no longer in your",
    ),
    "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED": (
        OwnerActionRequired,
        "virtual key",
    ),
    "VEHICLE_STATE:ASLEEP": (StateException, "is asleep"),
    "VEHICLE_STATE:CHARGING_IN_PROGRESS": (StateException, "is charging already"),
    "VEHICLE_STATE:CHARGING_PLUG_CONNECTED": (StateException, "Unplug it"),
    "VEHICLE_STATE:CHARGING_PLUG_NOT_CONNECTED": (StateException, "Plug it in"),
    "VEHICLE_STATE:CHARGE_FAULT": (StateException, "gets no current"),
    "VEHICLE_STATE:DOOR_OPEN": (StateException, "A door is open"),
    "VEHICLE_STATE:FULLY_CHARGED": (StateException, "fully charged"),
    "VEHICLE_STATE:HOOD_OPEN": (StateException, "The hood is open"),
    "VEHICLE_STATE:IGNITION_ON": (StateException, "switched on"),
    "VEHICLE_STATE:IN_MOTION": (StateException, "is moving"),
    "VEHICLE_STATE:LOW_BATTERY": (StateException, "battery is too low"),
    "VEHICLE_STATE:NOT_CHARGING": (StateException, "is not charging"),
    "VEHICLE_STATE:REMOTE_ACCESS_DISABLED": (StateException, "Remote access is switched off"),
    "VEHICLE_STATE:TRUNK_OPEN": (StateException, "The trunk is open"),
    "VEHICLE_STATE:UNKNOWN": (StateException, "in its present state"),
    "VEHICLE_STATE:UNREACHABLE": (StateException, "no reception"),
    "VEHICLE_STATE:VEHICLE_OFFLINE_FOR_SERVICE": (StateException, "service mode"),
    "RATE_LIMIT:SMARTCAR_API": (RateLimited, "This site has asked Smartcar too often"),
    "RATE_LIMIT:VEHICLE": (RateLimited, "possible again in 120 seconds"),
    "BILLING:VEHICLE_LIMIT": (MonthlyLimitExceeded, "no room for another car"),
    "BILLING:VEHICLE_REQUEST_LIMIT": (MonthlyLimitExceeded, "for this month"),
    "BILLING:INVALID_PLAN": (MonthlyLimitExceeded, "does not cover this"),
    "BILLING:ACCOUNT_SUSPENDED": (MonthlyLimitExceeded, "is suspended"),
    "SERVER:INTERNAL": (ServerException, "try again in a few minutes"),
    "SERVER:RECORD_NOT_FOUND": (ServerException, "has no record"),
    "SERVER:MULTIPLE_RECORDS_FOUND": (ServerException, "has no record"),
    "COMPATIBILITY:MAKE_NOT_COMPATIBLE": (NotCapableException, "this make of car"),
    "COMPATIBILITY:SMARTCAR_NOT_CAPABLE": (NotCapableException, "with this car yet"),
    "COMPATIBILITY:VEHICLE_NOT_CAPABLE": (
        NotCapableException,
        "This car cannot do that",
    ),
    "COMPATIBILITY:PLATFORM_NOT_CAPABLE": (LoginOutdated, "has a newer login"),
    "UPSTREAM:INVALID_DATA": (UpstreamException, "try again later"),
    "UPSTREAM:KNOWN_ISSUE": (UpstreamException, "try again later"),
    "UPSTREAM:NO_RESPONSE": (UpstreamException, "try again later"),
    "UPSTREAM:RATE_LIMIT": (RateLimited, "wait an hour"),
    "UPSTREAM:UNKNOWN_ISSUE": (UpstreamException, "try again later"),
    "GATEWAY_TIMEOUT": (GatewayTimeoutException, "may or may not have done it"),
}

#: The class in Smartcar's SDK 3.0.1, where its name differs.
BASES = {
    LoginOutdated: NotCapableException,
    LoginRequired: ValidationException,
    OwnerActionRequired: ValidationException,
    PermissionMissing: PermissionException,
    RateLimited: RateLimitingException,
    UpstreamException: UnexpectedStatusException,
}

#: Where the driver can resolve the error, if Smartcar returns a URL.
LINKS = {"CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED": "https://www.tesla.com/_ak/smartcar.com"}

EVERY = [("2.0", fault) for fault in FAULTS] + [("3", fault) for fault in (*FAULTS, *V3_FAULTS)]


def error_of(call):
    with pytest.raises(SmartcarException) as raised:
        call()
    return raised.value


def test_the_table_has_every_fault_of_the_simulator():
    assert set(ROWS) == {*FAULTS, *V3_FAULTS}


@pytest.mark.django_db
@pytest.mark.parametrize(("smartcar", "fault"), EVERY, indirect=["smartcar"])
def test_every_error_has_its_class_and_its_message(smartcar, connect_driver, fault):
    vehicle = connect_driver().vehicles[0]
    is_v3 = vehicle.account.uses_v3
    set_fault(fault, "commands/security/lock" if is_v3 else "security", smartcar.car())
    from_command = error_of(lambda: commands.send(vehicle, "lock"))
    set_fault(fault, "signals/odometer-traveleddistance" if is_v3 else "odometer", smartcar.car())
    from_read = error_of(lambda: vehicles.odometer(vehicle))
    for failure, scope in ((from_command, "control_security"), (from_read, "read_odometer")):
        kind, sentence = ROWS[fault]
        if failure is from_read and is_v3 and kind is ResourceNotFoundException:
            kind, sentence = SignalNotAvailable, "has not collected this"
        assert type(failure) is kind
        assert isinstance(failure, BASES.get(kind, kind))
        assert not isinstance(failure, ReconnectRequired) or failure.account == vehicle.account
        assert sentence in user_message(failure)
        with translation.override("de"):
            assert sentence not in user_message(failure), "there is a translation"
        assert not isinstance(failure, PermissionMissing) or failure.scope == scope
        # In API v3 the error of a signal has only type and code.
        assert help_url(failure) == ("" if is_v3 and failure is from_read else LINKS.get(fault, ""))


@pytest.mark.django_db
@pytest.mark.parametrize("smartcar", ["2.0"], indirect=True)
def test_the_link_to_a_new_login_is_not_shown(smartcar, connect_driver):
    """The site's own button identifies the returning user."""
    vehicle = connect_driver().vehicles[0]
    set_fault("CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED", "security", smartcar.car())
    failure = error_of(lambda: commands.send(vehicle, "lock"))
    assert "/connect/oauth/reauthenticate?" in failure.resolution["url"]
    assert help_url(failure) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("smartcar", ["3"], indirect=True)
@pytest.mark.parametrize(
    ("status", "code", "kind", "sentence"),
    [
        (400, "bad_request", ValidationException, "The fault is ours"),
        (401, "unauthorized", AuthenticationException, "did not accept this site's access"),
        (403, "forbidden", PermissionMissing, "Connect the car again to ask"),
        (404, "not_found", ResourceNotFoundException, "does not know this car"),
        (500, "internal_error", ServerException, "try again in a few minutes"),
    ],
)
def test_a_code_of_the_early_v3_is_recognized_without_a_type(
    smartcar, connect_driver, mock_api, settings, status, code, kind, sentence
):
    mock_api.mock.add_passthru(smartcar.url)
    vehicle = connect_driver().vehicles[0]
    settings.SMARTCAR_VEHICLE_API_URL = "https://vehicle.api.smartcar.com"
    mock_api.mock.add(
        "POST", re.compile("https://vehicle.*"), status=status, json={"errors": [{"code": code}]}
    )
    failure = error_of(lambda: commands.send(vehicle, "lock"))
    assert isinstance(failure, kind)
    assert (failure.type, failure.code) == (None, code)
    assert sentence in user_message(failure)


@pytest.mark.parametrize(
    ("type_", "code", "scope"),
    [
        ("RATE_LIMIT", "SMARTCAR_API", "application"),
        ("RATE_LIMIT", "VEHICLE", "vehicle"),
        ("RATE_LIMIT", None, "vehicle"),
        ("UPSTREAM", "RATE_LIMIT", "brand"),
    ],
)
def test_a_rate_limit_has_its_scope(type_, code, scope):
    error = RateLimited("…", type=type_, code=code, retry_after=7.0)
    assert (error.scope, error.retry_after) == (scope, 7)


def test_unknown_errors_keep_their_class_and_have_a_message():
    for error in (sdk.NoResponseException(), sdk.SignalNotAvailable()):
        assert user_message(error)
    assert user_message(sdk.UnexpectedStatusException()).startswith("Something went wrong")


def pickled(error):
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_an_error_of_two_classes_survives_copies_and_task_queues(again):
    error = sdk.UpstreamException("UPSTREAM", type="UPSTREAM", code="NO_RESPONSE", status_code=502)
    failure = again(error)
    assert isinstance(failure, ServerException)
    assert isinstance(failure, sdk.UnexpectedStatusException)
    assert (str(failure), failure.code, failure.status_code) == ("UPSTREAM", "NO_RESPONSE", 502)


@pytest.mark.parametrize(
    ("kind", "base"), [(LoginRequired, ValidationException), (LoginOutdated, NotCapableException)]
)
def test_a_new_login_has_two_classes_and_its_account(kind, base):
    failure = kind("…", account="the account")
    assert isinstance(failure, ReconnectRequired)
    assert isinstance(failure, base)
    assert failure.account == "the account"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://www.tesla.com/", "//x", "https://[x", ""])
def test_only_a_safe_address_is_a_link(url):
    resolution = {"type": "ACTION_REQUIRED", "url": url}
    assert help_url(sdk.ValidationException("…", code="VIRTUAL_KEY_REQUIRED", resolution=resolution)) == ""
    assert injection.exception_for("CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED").url.startswith(
        "https://"
    )
