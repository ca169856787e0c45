import random
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_smartcar.models import SmartcarAccount
from django_smartcar.services.tokens import bulk_refresh

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def due_accounts(make_account, anna):
    """Create due accounts, some with the same expiry and some without one, and accounts that are not due."""
    now = timezone.now()
    ends = [now + timedelta(minutes=number // 4) for number in range(12)]
    rows = [make_account(anna, access_expires_at=end) for end in ends]
    rows += [make_account(anna, access_expires_at=None) for _ in range(3)]
    make_account(anna, access_for=timedelta(hours=1))
    make_account(anna, access_expires_at=None, refresh_token="")
    make_account(anna, api_version="3", access_for=timedelta(0))
    return rows


@pytest.mark.django_db
def test_each_due_row_is_found_once_for_any_page_size(due_accounts):
    for page in (1, 2, 3, 5, 500):
        found = [row.pk for row in bulk_refresh.due(HALF_AN_HOUR, page)]
        assert sorted(found) == sorted(row.pk for row in due_accounts)
        assert bulk_refresh.count_due(HALF_AN_HOUR) == len(found)


@pytest.mark.django_db
def test_only_one_page_of_due_rows_is_in_memory(due_accounts):
    due_rows = bulk_refresh.due(HALF_AN_HOUR, 5)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(4):  # three without an expiry, and one of the first page
            next(due_rows)
    assert len(queries) == 4
    assert all("LIMIT 5" in query["sql"] for query in queries)


@pytest.mark.django_db
def test_processes_read_due_rows_in_different_orders(make_account, anna):
    for _ in range(20):
        make_account(anna, access_for=timedelta(0))
    orders = []
    for seed in (1, 2):
        random.seed(seed)
        orders.append([row.pk for row in bulk_refresh.due(HALF_AN_HOUR)])
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.django_db
def test_a_run_waits_for_tokens_whose_lock_may_be_that_of_a_process_that_has_just_died(account):
    def set_end_of_lock(seconds):
        ends = timezone.now() + timedelta(seconds=seconds)
        SmartcarAccount.objects.update(refresh_lease=uuid.uuid4(), refresh_lease_until=ends)
        return True

    set_end_of_lock(seconds=3600)
    assert not list(bulk_refresh.due(timedelta(0)))
    assert not list(bulk_refresh.due(timedelta(0), wait=lambda _: False))
    assert list(bulk_refresh.due(timedelta(0), wait=lambda _: set_end_of_lock(-1))) == [account]


@pytest.mark.django_db
def test_due_rows_are_found_and_sorted_by_an_index():
    now = timezone.now()
    accounts = SmartcarAccount.objects
    due, left = accounts.refresh_due(now), accounts.with_expired_lock(now)
    for rows, column in ((due, "access_expires_at"), (left, "refresh_lease_until")):
        plan = rows.filter(**{f"{column}__gte": now}).order_by(column, "pk")[:500].explain()
        assert "USING INDEX smartcar_account_" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.django_db
def test_a_task_for_a_token_that_has_been_refreshed_since_does_nothing(account, mock_api):
    mock_api.tokens()
    assert bulk_refresh.refresh_one(account.pk, 0) == "refreshed"
    assert bulk_refresh.refresh_one(account.pk, 0) == "skipped"
    assert bulk_refresh.refresh_one(account.pk + 1, 0) == "skipped"
    assert len(mock_api.exchanges) == 1


@pytest.mark.django_db
def test_a_task_for_a_rejected_refresh_token_succeeds(account, mock_api):
    mock_api.tokens_fail()
    assert bulk_refresh.refresh_one(account.pk, 0) == "needs driver"
