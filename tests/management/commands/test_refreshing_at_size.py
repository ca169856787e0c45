"""The command in processes of its own: threads, several processes, signals."""

import signal

import pytest

from ...site_processes import finished, wait_until


def test_concurrent_exchanges_are_limited_and_connections_are_reused(site_in_processes, server):
    site_in_processes.make_accounts(60)
    server.latency = 0.2
    *_, summary = finished(site_in_processes.refresh("--concurrency", "6"))
    assert summary == "60 refreshed, 0 failed, 0 waiting for their driver to connect again"
    assert server.max_concurrent == server.connections == 6
    assert set(server.exchanged.values()) == {1}
    assert (site_in_processes.unrefreshed, site_in_processes.leases) == (0, 0)


def test_every_one_of_eighty_threads_reuses_its_connection(site_in_processes, server):
    site_in_processes.make_accounts(200)
    server.gate.clear()
    process = site_in_processes.refresh("--concurrency", "80")
    wait_until(lambda: server.concurrent == 80)
    server.gate.set()
    finished(process)
    assert server.connections == 80


def test_processes_share_the_accounts_and_refresh_none_twice(site_in_processes, server):
    site_in_processes.make_accounts(120)
    server.latency = 0.05
    processes = [site_in_processes.refresh("--concurrency", "8") for _ in range(3)]
    summaries = [finished(process)[-1] for process in processes]
    assert sum(int(summary.split()[0]) for summary in summaries) == 120
    assert len(server.exchanged) == server.exchanged.total() == 120
    assert site_in_processes.unrefreshed == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_the_exchanges_in_flight(site_in_processes, server, number):
    site_in_processes.make_accounts(100)
    server.latency = 0.5
    process = site_in_processes.refresh("--concurrency", "4")
    wait_until(lambda: server.concurrent == 4)
    process.send_signal(number)
    *_, summary = finished(process)
    assert summary.startswith(f"{server.exchanged.total()} refreshed, 0 failed, ")
    assert summary.endswith(", stopped before the end")
    assert (100 - site_in_processes.unrefreshed, site_in_processes.leases) == (server.exchanged.total(), 0)
    assert site_in_processes.unrefreshed > 90


def test_a_signal_ends_the_wait_for_retry_after(site_in_processes, server):
    site_in_processes.make_accounts(10)
    server.next_responses = [(429, {"Retry-After": "300"}, {})] * 10
    process = site_in_processes.refresh("--concurrency", "4")
    wait_until(lambda: len(server.request_times) == 4)
    process.terminate()
    *_, summary = finished(process)
    assert summary.startswith("0 refreshed, 0 failed, 4 skipped (refreshed elsewhere), ")
    assert site_in_processes.leases == 0


def test_all_threads_pause_together_after_a_429(site_in_processes, server):
    site_in_processes.make_accounts(60)
    server.latency = 0.1
    server.next_responses = [(200, {}, None)] * 10 + [(429, {"Retry-After": "3"}, {})]
    *_, summary = finished(site_in_processes.refresh("--concurrency", "5"))
    assert summary.startswith("60 refreshed, 0 failed, ")
    gaps = [
        later - earlier
        for earlier, later in zip(server.request_times, server.request_times[1:], strict=False)
    ]
    assert max(gaps) > 2.5, "no pause"
    before_the_pause = gaps.index(max(gaps)) + 1
    assert 11 <= before_the_pause < 40, "the request that got the 429, and those in progress"
    assert len(server.request_times) == 61


def test_tokens_locked_by_a_killed_process_are_refreshed_alone_and_few_at_once(site_in_processes, server):
    site_in_processes.make_accounts(40)
    site_in_processes.query(
        "update smartcar_smartcaraccount set refresh_lease = 'a0eebc999c0b4ef8bb6d6bb9bd380a11', "
        "refresh_lease_until = '2026-01-01 00:00:00' where id > 30"
    )
    server.gate.clear()
    process = site_in_processes.refresh("--concurrency", "8")
    wait_until(lambda: server.concurrent == 3)
    assert server.request_times[2] - server.request_times[0] > 1, "one more for each second"
    server.gate.set()
    finished(process)
    left_behind = {f"first-{number}" for number in range(30, 40)}
    assert set(list(server.exchanged)[:10]) == left_behind
    assert set(server.exchanged.values()) == {1}
    assert site_in_processes.unrefreshed == 0


def test_tokens_locked_by_a_killed_process_are_refreshed_first(site_in_processes, server):
    site_in_processes.make_accounts(40)
    server.latency = 5
    process = site_in_processes.refresh("--concurrency", "4")
    wait_until(lambda: server.concurrent == 4)
    process.kill()
    process.communicate()
    assert site_in_processes.leases == 4
    locked = [
        pk
        for (pk,) in site_in_processes.query(
            "select id from smartcar_smartcaraccount where refresh_lease is not null"
        )
    ]
    site_in_processes.query("update smartcar_smartcaraccount set refresh_lease_until = '2026-01-01 00:00:00' "
             "where refresh_lease is not null")  # fmt: skip
    server.latency = 0
    lines = finished(site_in_processes.refresh("--limit", "4"))
    assert {int(line.split()[2].rstrip(":")) for line in lines[:-1]} == set(locked)
    assert site_in_processes.leases == 0
