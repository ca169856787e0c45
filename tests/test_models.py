from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError, models
from django.utils import timezone

from django_smartcar.models import ConnectedVehicle, SmartcarAccount, SmartcarUser
from django_smartcar.services import readings

pytestmark = pytest.mark.django_db


def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_user_model_of_the_tests_is_swapped_and_has_uuid_keys(anna):
    assert type(anna)._meta.label == "people.Person"
    assert len(str(anna.pk)) == 36


def test_the_smartcar_user_id_needs_no_join(account, django_assert_num_queries):
    row = SmartcarAccount.objects.get()
    with django_assert_num_queries(0):
        assert row.smartcar_user_id == "driver-a"


def test_a_smartcar_user_belongs_to_one_local_user(account, bert):
    with pytest.raises(IntegrityError):
        SmartcarUser.objects.create(id="driver-a", user=bert)


def test_no_secret_vin_or_position_in_str_or_repr(make_vehicle, account):
    vehicle = make_vehicle(account, vin="0SCAUDI037A5ADB1C")
    place = readings.save(vehicle, "location", {"latitude": 37.4292, "longitude": 122.1381})
    owner = account.smartcar_user
    shown = "".join(f"{row} {row!r}" for row in (account, vehicle, owner, place))
    for secret in ("access-0", "refresh-0", "0SCAUDI037A5ADB1C", "37.4292"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("details", "name"),
    [
        ({}, "2021 Chevrolet Bolt"),
        ({"make": "BMW i"}, "2021 BMW i Bolt"),
        ({"make": "BMW"}, "2021 BMW Bolt"),
        ({"make": "KIA"}, "2021 Kia Bolt"),
        ({"make": "LAND_ROVER"}, "2021 Land Rover Bolt"),
        ({"make": "MERCEDES_BENZ"}, "2021 Mercedes-Benz Bolt"),
        ({"year": None}, "Chevrolet Bolt"),
        ({"make": "", "model": "", "year": None}, "vehicle"),
    ],
)
def test_the_name_of_a_vehicle_has_the_known_details(make_vehicle, account, details, name):
    assert make_vehicle(account, **details).name.startswith(name)


def test_for_user_returns_the_users_own_rows(vehicle, account, anna, bert):
    for rows, row in ((ConnectedVehicle.objects, vehicle), (SmartcarAccount.objects, account)):
        assert list(rows.for_user(anna)) == [row]
        assert not rows.for_user(bert)
        assert not rows.for_user(AnonymousUser())


def test_due_accounts_expire_soon_and_can_be_refreshed(make_account, anna):
    soon = make_account(anna, access_for=timedelta(minutes=10))
    make_account(anna, access_for=timedelta(minutes=90))
    make_account(anna, access_for=timedelta(0), refresh_token="")
    make_account(anna, access_for=timedelta(0), reconnect_required_at=timezone.now())
    assert list(SmartcarAccount.objects.refresh_due(timezone.now() + timedelta(minutes=30))) == [soon]


def test_token_datetimes_are_aware(account):
    row = SmartcarAccount.objects.get()
    assert row.access_expires_at.utcoffset() is not None
    assert row.refresh_expires_at.utcoffset() is not None


def test_deleting_a_user_deletes_everything(vehicle, anna):
    anna.delete()
    assert not SmartcarUser.objects.exists()
    assert not ConnectedVehicle.objects.exists()


def test_rows_can_be_serialized(vehicle):
    assert "Bolt" in serializers.serialize("json", [vehicle])


def test_no_text_column_has_a_second_index_on_postgresql():
    """A unique or indexed text column gets another index for LIKE there; `Meta` adds one only."""
    fields = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("smartcar").get_models()
        for field in model._meta.concrete_fields
        if (field.unique or field.db_index)
        and isinstance(getattr(field, "target_field", field), models.CharField | models.TextField)
        and not field.primary_key
    ]
    assert fields == []
