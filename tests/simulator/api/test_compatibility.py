import pytest
from django.test import Client

from tests.simulator.conftest import PREFIX, assert_v3_error


def get_models(query=""):
    return Client().get(f"{PREFIX}/compatibility-api/v3/compatible-vehicles{query}")


def test_a_model_has_the_documented_format_and_needs_no_token():
    body = get_models("?filter[make]=TESLA&filter[region]=US").json()
    first = body["data"][0]
    assert first["id"] == "TESLA-Model 3-2018-2026-BEV-US"
    assert first["type"] == "vehicle-model-capability"
    attributes = first["attributes"]
    assert attributes["years"] == {"start": 2018, "end": 2026}
    assert (attributes["region"], attributes["powertrainType"]) == ("US", "BEV")
    codes = {one["code"]: one for one in attributes["capabilities"]}
    assert codes["odometer-traveleddistance"]["permission"] == "read_odometer"
    assert codes["security-lock"]["type"] == "command"
    assert not [code for code in codes if code.startswith("internalcombustionengine")]
    assert sorted(body["meta"]) == ["page", "pageSize", "totalCount"]
    assert "self" in body["links"]


def test_models_can_be_filtered():
    body = get_models("?filter[powertrainType]=PHEV&filter[region]=EUROPE&page[size]=100").json()
    assert {one["attributes"]["powertrainType"] for one in body["data"]} == {"PHEV"}
    assert {one["attributes"]["region"] for one in body["data"]} == {"EUROPE"}
    assert {one["attributes"]["make"] for one in get_models("?filter[make]=land rover").json()["data"]} == {
        "LAND_ROVER"
    }
    assert get_models("?filter[make]=nonsense").json()["meta"]["totalCount"] == 0
    for region, expected in (("US", 0), ("EUROPE", 2)):
        body = get_models(f"?filter[make]=RENAULT&filter[region]={region}").json()
        assert body["meta"]["totalCount"] == expected


def test_following_the_links_returns_every_model_once():
    seen, url = [], f"{PREFIX}/compatibility-api/v3/compatible-vehicles"
    while url:
        body = Client().get(url).json()
        seen += [one["id"] for one in body["data"]]
        url = body["links"]["next"]
    assert len(seen) == len(set(seen)) == body["meta"]["totalCount"] > 100


@pytest.mark.parametrize("query", ["?filter[region]=MARS", "?filter[powertrainType]=STEAM", "?page[size]=0"])
def test_an_invalid_query_is_rejected(query):
    assert_v3_error(get_models(query), 400, "VALIDATION", "INVALID_INPUT_FORMAT")


def test_unknown_paths_and_methods_are_not_found():
    for method, path in [("GET", "v3/nonsense"), ("POST", "v3/compatible-vehicles")]:
        response = Client().generic(method, f"{PREFIX}/compatibility-api/{path}")
        assert_v3_error(response, 404, "RESOURCE_NOT_FOUND", "PATH")
