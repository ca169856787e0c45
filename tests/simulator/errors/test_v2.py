import pytest
from django.test import RequestFactory

from django_smartcar.simulator.api.v2_responses import answering
from django_smartcar.simulator.errors.table import KINDS
from django_smartcar.simulator.errors.v2 import SmartcarError

#: How many pairs of type and code smartcar-api.md 5.3 lists, by status.
PAIRS = {400: 9, 401: 1, 403: 1, 404: 2, 409: 17, 429: 2, 430: 4, 500: 3, 501: 4, 502: 5}


def test_the_table_is_whole_when_it_is_counted():
    counted = {}
    for kind in KINDS.values():
        counted[kind.status] = counted.get(kind.status, 0) + 1
    assert counted == PAIRS


@pytest.mark.parametrize(("type_", "code"), list(KINDS))
def test_both_envelopes_are_complete_when_an_error_is_raised(type_, code):
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
    old = SmartcarError(type_, code).body_v1("the-request")
    assert (old["statusCode"], old["requestId"]) == (body["statusCode"], "the-request")


@pytest.mark.parametrize("type_", ["AUTHENTICATION", "PERMISSION", "COMPATIBILITY", "BILLING"])
def test_no_message_for_the_user_is_sent_when_smartcar_has_none(type_):
    for known, code in KINDS:
        if known == type_:
            assert "suggestedUserMessage" not in SmartcarError(known, code).body("x")


def test_the_client_is_told_when_to_come_back_when_a_limit_says_so():
    @answering
    def view(request):
        raise SmartcarError("RATE_LIMIT", "VEHICLE", retry_after=120)

    response = view(RequestFactory().get("/"))
    assert response.status_code == 429
    assert response["Retry-After"] == "120"


def test_a_bug_is_not_dressed_up_as_an_answer_when_a_view_has_one():
    @answering
    def view(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        view(RequestFactory().get("/"))
