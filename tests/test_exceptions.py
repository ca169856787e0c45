import pytest
import responses

from django_smartcar import exceptions
from django_smartcar.exceptions import SmartcarException, VehicleDisconnected, user_message
from django_smartcar.services import client

from .mock_api import API, IN_MOTION, v2_error


def error_of(**response) -> SmartcarException:
    """Return what a read raises for this response."""
    with responses.RequestsMock() as mock:
        mock.add("GET", f"{API}/vehicles/car-1/odometer", **response)
        with pytest.raises(SmartcarException) as raised:
            client.car(client.ApiCredentials("2.0", "access-0", "driver-a"), "car-1").odometer()
    return raised.value


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        ({"status": 409, "json": IN_MOTION}, "The car is moving. Try again once it has stopped."),
        ({"status": 403, "json": {"type": "PERMISSION"}}, "The driver has not given permission"),
        ({"status": 429, "json": {"type": "RATE_LIMIT", "code": "VEHICLE"}}, "asked too often"),
        (
            {"status": 400, "json": v2_error(400, "CONNECTED_SERVICES_ACCOUNT", "SUBSCRIPTION")},
            "Activate them",
        ),
        ({"status": 501, "json": {"type": "COMPATIBILITY"}}, "This car cannot do that."),
        ({"status": 418, "body": "<html>"}, "Something went wrong between"),
        (
            {
                "status": 400,
                "json": v2_error(
                    400,
                    "CONNECTED_SERVICES_ACCOUNT",
                    "AUTHENTICATION_FAILED",
                    resolution={"type": "REAUTHENTICATE"},
                ),
            },
            "The list of cars has a button for it.",
        ),
        (
            {
                "status": 400,
                "json": v2_error(
                    400, "CONNECTED_SERVICES_ACCOUNT", "PERMISSION", resolution={"type": "REAUTHENTICATE"}
                ),
            },
            "Please connect the car again.",
        ),
    ],
)
def test_every_error_has_a_message_that_says_what_to_do(response, sentence):
    assert sentence in user_message(error_of(**response))


def test_an_error_of_the_app_has_a_message_too():
    class Row:
        pk = 7

    assert user_message(VehicleDisconnected(Row())) == "This car is no longer connected."


def test_every_name_in_the_docstring_exists():
    lines = [line.strip() for line in exceptions.__doc__.splitlines()]
    named = [line.split()[1] for line in lines if line.startswith(("* ", "- "))]
    assert len(named) == 29
    assert set(named) <= set(exceptions.__all__)
