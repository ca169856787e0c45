import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_smartcar.simulator import store


@pytest.fixture
def file(settings, tmp_path):
    path = tmp_path / "state.json"
    settings.SMARTCAR_SIMULATOR_STATE = str(path)
    store.restart()
    return path


def test_everything_goes_on_when_the_process_is_restarted(file, connect, api, first_car, token):
    tokens = connect("driver@example.com", external_id="x-1")
    vehicle_id = first_car(tokens)
    api("POST", f"vehicles/{vehicle_id}/security", tokens["access_token"], {"action": "LOCK"})
    odometer = store.car(vehicle_id).odometer_km
    refreshed = token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()

    store.restart()

    assert api("GET", f"vehicles/{vehicle_id}/security", tokens["access_token"]).json()["isLocked"] is True
    response = api("GET", f"vehicles/{vehicle_id}/odometer", refreshed["access_token"])
    assert response.json() == {"distance": odometer}
    assert store.owner("driver@example.com").external_id == "x-1"
    for refresh_token in (
        tokens["refresh_token"],
        refreshed["refresh_token"],
    ):  # one used, in its grace; one new
        assert token(grant_type="refresh_token", refresh_token=refresh_token).status_code == 200


def test_a_car_stays_disconnected_when_the_process_is_restarted(file, connect, api, first_car):
    tokens = connect()
    api("DELETE", f"vehicles/{first_car(tokens)}/application", tokens["access_token"])
    store.restart()
    assert api("GET", "vehicles", tokens["access_token"]).json()["vehicles"] == []


def test_a_code_is_good_when_the_process_is_restarted_before_the_exchange(file, visit, token):
    code = visit().connect().answer["code"]
    store.restart()
    fields = {"grant_type": "authorization_code", "redirect_uri": "https://app.example.com/callback"}
    assert token(code=code, **fields).status_code == 200
    store.restart()
    assert token(code=code, **fields).status_code == 400


def test_the_state_is_equal_when_it_was_written_and_read(file, connect):
    connect("3-vehicles@smartcar.com")
    connect("smartcar@vs-001.vehicle-state-error.com")
    before = store.state()
    store.restart()
    assert store.state() == before
    assert store.state() is not before


def test_the_fault_of_a_car_is_known_when_the_snapshot_is_an_older_one(file, connect):
    connect("smartcar@vs-001.vehicle-state-error.com")
    older = (
        file.read_text().replace('"fault"', '"command_error"').replace('"is_redeemed": true', '"user": null')
    )
    file.write_text(older)
    store.restart()
    assert store.grants()[0].is_redeemed
    assert [car.fault for car in store.cars()] == ["VEHICLE_STATE:DOOR_OPEN"]


def test_a_car_is_read_when_the_snapshot_is_from_before_there_were_states(file, connect):
    connect()
    older = json.loads(file.read_text())
    for name in ("condition", "evolved_at", "faults", "latencies", "requests"):
        for car in older["cars"].values():
            del car[name]
    del older["limits"], older["faults"]
    file.write_text(json.dumps(older))
    store.restart()
    (car,) = store.cars()
    assert (car.state, car.faults, store.state().limits.bucket_size) == ("parked", {}, None)


def test_time_passes_at_once_when_it_is_told_to():
    before = store.now()
    store.advance(3600)
    assert timedelta(hours=1) <= store.now() - before < timedelta(hours=1, minutes=1)
    store.reset()
    assert store.now() - before < timedelta(minutes=1)


def test_tokens_expire_when_time_is_told_to_pass(connect, api):
    tokens = connect()
    store.advance(7199)
    assert api("GET", "vehicles", tokens["access_token"]).status_code == 200
    store.advance(1)
    assert api("GET", "vehicles", tokens["access_token"]).status_code == 401


def test_nothing_is_kept_when_there_is_no_file(connect):
    connect()
    store.restart()
    assert store.cars() == []


def test_the_file_is_private_and_alone_when_it_is_written(file, connect):
    connect()
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in file.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"version": 1}',
        b'{"version": 99, "owners": {}}',
        b'{"version": 1, "owners": {"x": {"nonsense": 1}}, "cars": {}, "grants": {}, "codes": {}, '
        b'"access_tokens": {}, "refresh_tokens": {}, "subscriptions": {}}',
    ],
)
def test_a_broken_file_is_kept_aside_when_the_world_starts(file, content, connect, caplog):
    file.write_bytes(content)
    file.with_name("state.json.unreadable").write_bytes(b"an older one")
    with caplog.at_level(logging.ERROR):
        assert store.cars() == []
    assert "starts from nothing" in caplog.text
    assert str(file) in caplog.text
    assert file.with_name("state.json.unreadable").read_bytes() == b"an older one"
    assert file.with_name("state.json.unreadable-2").read_bytes() == content
    connect()
    store.restart()
    assert len(store.cars()) == 1


def test_the_world_starts_from_nothing_when_the_file_is_a_folder(file, caplog):
    file.mkdir()
    assert store.cars() == []
    assert "starts from nothing" in caplog.text


def test_the_world_goes_on_in_memory_when_the_file_cannot_be_written(settings, tmp_path, connect, caplog):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "no" / "such" / "folder" / "state.json"
    store.restart()
    connect()
    assert "could not write" in caplog.text
    assert len(store.cars()) == 1


def test_the_old_snapshot_stays_when_writing_the_new_one_fails(file, connect, monkeypatch, caplog):
    connect("a@example.com")
    before = file.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    connect("b@example.com")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["state.json"]


def test_expired_tokens_are_forgotten_when_the_snapshot_is_written(file, connect, monkeypatch):
    connect("a@example.com")
    later = store.now() + timedelta(days=61)
    monkeypatch.setattr(store, "now", lambda: later)
    connect("b@example.com")
    kept = json.loads(file.read_text())
    assert len(kept["access_tokens"]) == len(kept["refresh_tokens"]) == 1
    assert len(kept["grants"]) == 2


def test_expired_tokens_are_forgotten_when_there_is_no_file(connect, visit, monkeypatch):
    connect("a@example.com")
    visit().connect("c@example.com")
    later = store.now() + timedelta(days=61)
    monkeypatch.setattr(store, "now", lambda: later)
    connect("b@example.com")
    state = store.state()
    assert (len(state.codes), len(state.access_tokens), len(state.refresh_tokens)) == (0, 1, 1)


def test_no_update_is_lost_when_many_threads_change_the_world(file, connect, api):
    tokens = connect("20-vehicles@smartcar.com")["access_token"]

    def lock(vehicle_id):
        assert api("POST", f"vehicles/{vehicle_id}/security", tokens, {"action": "LOCK"}).status_code == 200

    threads = [threading.Thread(target=lock, args=(car.id,)) for car in store.cars()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counters["commands"] == 20
    store.restart()
    assert all(car.is_locked for car in store.cars())


def test_the_world_stands_still_when_another_thread_changes_it():
    entered = threading.Event()

    def change():
        with store.changes():
            entered.set()

    thread = threading.Thread(target=change)
    with store.changes():
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    thread.join()


def test_nothing_is_left_when_the_world_is_reset(file, connect):
    connect()
    store.reset()
    assert (store.cars(), store.owners(), store.grants(), dict(store.runs), dict(store.counters)) == (
        [],
        [],
        [],
        {},
        {},
    )
    store.restart()
    assert store.cars() == []


def test_old_visits_are_forgotten_when_a_new_one_begins(visit, monkeypatch):
    visit()
    later = store.now() + timedelta(days=1)
    monkeypatch.setattr(store, "now", lambda: later)
    visit()
    assert len(store.runs) == 1


def test_the_names_of_things_are_found_when_a_test_asks(connect):
    connect("Driver@Example.com")
    car = store.cars()[0]
    assert store.car(car.id) is car
    assert store.owner("driver@example.com").id == car.owner_id
    with pytest.raises(KeyError):
        store.car("nonsense")
    with pytest.raises(KeyError):
        store.owner("nonsense")


def test_the_environment_names_every_host_when_it_is_asked_for():
    environment = store.environment("http://localhost:8000/smartcar-simulator/")
    assert environment["SMARTCAR_AUTH_URL"] == "http://localhost:8000/smartcar-simulator/auth/oauth/token"
    assert environment["SMARTCAR_AUTH_ORIGIN"] == environment["SMARTCAR_AUTH_URL"]
    assert environment["SMARTCAR_API_ORIGIN"] == "http://localhost:8000/smartcar-simulator/api"
    assert environment["SMARTCAR_MANAGEMENT_TOKENS"] == store.MANAGEMENT_TOKEN


def test_other_credentials_are_asked_for_when_the_settings_name_them(settings, visit, token):
    settings.SMARTCAR_SIMULATOR_CLIENT_ID = "another-id"
    settings.SMARTCAR_SIMULATOR_CLIENT_SECRET = "another-secret"
    assert visit().status == 400
    assert visit(client_id="another-id").status == 200
    assert token(grant_type="refresh_token", refresh_token="x").status_code == 401
    assert store.environment("http://x", "2.0")["SMARTCAR_CLIENT_ID"] == "another-id"


def test_the_clock_runs_faster_when_a_speed_is_set_and_never_jumps(settings):
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as outside:
        began = store.now()
        settings.SMARTCAR_SIMULATOR_SPEED = 100
        assert store.now() == began == datetime(2026, 1, 1, tzinfo=UTC)
        outside.shift(timedelta(seconds=2))
        assert store.now() - began == timedelta(seconds=200)
        settings.SMARTCAR_SIMULATOR_SPEED = 1
        assert store.now() - began == timedelta(seconds=200)
        outside.shift(timedelta(seconds=2))
        assert store.now() - began == timedelta(seconds=202)
        store.reset()
        assert store.now() - began == timedelta(seconds=4)
