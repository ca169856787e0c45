import pytest
from django.test import RequestFactory

from django_smartcar.simulator.api.v2_responses import v2_api_view
from django_smartcar.simulator.errors.table import ERRORS
from django_smartcar.simulator.errors.v2 import SmartcarError

#: Number of errors in smartcar-api.md 5.3, by status.
ERRORS_BY_STATUS = {400: 9, 401: 1, 403: 1, 404: 2, 409: 17, 429: 2, 430: 4, 500: 3, 501: 4, 502: 5}


def test_the_table_has_every_documented_error():
    counted = {}
    for spec in ERRORS.values():
        counted[spec.status] = counted.get(spec.status, 0) + 1
    assert counted == ERRORS_BY_STATUS


@pytest.mark.parametrize(("type_", "code"), list(ERRORS))
def test_the_bodies_of_both_versions_are_complete(type_, code):
    body = SmartcarError(type_, code).body("the-request")
    assert list(body)[:7] == [
        "statusCode",
        "type",
        "code",
        "description",
        "docURL",
        "resolution",
        "requestId",
    ]
    assert body["description"].endswith(".")
    assert "{" not in body.get("suggestedUserMessage", "")
    assert body["docURL"].startswith("https://")
    v1_body = SmartcarError(type_, code).body_v1("the-request")
    assert (v1_body["statusCode"], v1_body["requestId"]) == (body["statusCode"], "the-request")


@pytest.mark.parametrize("type_", ["AUTHENTICATION", "PERMISSION", "COMPATIBILITY", "BILLING"])
def test_errors_without_a_user_message_have_none(type_):
    for error_type, code in ERRORS:
        if error_type == type_:
            assert "suggestedUserMessage" not in SmartcarError(error_type, code).body("x")


def test_a_rate_limit_has_the_retry_after_header():
    @v2_api_view
    def view(request):
        raise SmartcarError("RATE_LIMIT", "VEHICLE", retry_after=120)

    response = view(RequestFactory().get("/"))
    assert response.status_code == 429
    assert response["Retry-After"] == "120"


def test_other_exceptions_of_a_view_are_not_caught():
    @v2_api_view
    def view(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        view(RequestFactory().get("/"))
