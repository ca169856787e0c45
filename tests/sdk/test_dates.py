from datetime import UTC, datetime, timedelta, timezone

import pytest

from django_smartcar import sdk

AGE = datetime(2024, 11, 18, 14, 32, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-11-18T14:32:08Z", AGE),
        ("2024-11-18T14:32:08", AGE),
        ("2024-11-18T16:32:08+02:00", AGE),
        (1731940328, AGE),
        (1731940328000, AGE),
        (1731940328000.0, AGE),
        ("1731940328", AGE),
        ("1731940328000", AGE),
        (None, None),
        (True, None),
        ("", None),
        ("yesterday", None),
        ("9" * 5000, None),
        ("²" * 10, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        (1e300, None),
        ("0001-01-01T00:00:00+23:59", None),
        ([], None),
    ],
)
def test_a_datetime_is_aware_and_in_utc_or_none(value, expected):
    found = sdk.parse_datetime(value)
    assert found == expected
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 18 Nov 2024 14:32:08 GMT",
        " 2024-11-18T14:32:08Z ",
        datetime(2024, 11, 18, 14, 32, 8),  # noqa: DTZ001 - what is naive is what is tried
        datetime(2024, 11, 18, 16, 32, 8, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_http_dates_and_datetimes_are_parsed_too(value):
    parsed = sdk.parse_datetime(value)
    assert parsed == datetime(2024, 11, 18, 14, 32, 8, tzinfo=UTC)
    assert parsed.tzinfo is UTC
