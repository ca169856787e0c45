import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from django_smartcar.simulator import store
from django_smartcar.simulator.behaviour import motion


@pytest.fixture
def state_file(settings, tmp_path):
    path = tmp_path / "state.json"
    settings.SMARTCAR_SIMULATOR_STATE = str(path)
    store.restart()
    return path


def test_tokens_and_vehicles_survive_a_restart(state_file, connect, api, first_car, token):
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
    ):  # one used, in its grace period; one new
        assert token(grant_type="refresh_token", refresh_token=refresh_token).status_code == 200


def test_a_disconnected_vehicle_stays_disconnected_after_a_restart(state_file, connect, api, first_car):
    tokens = connect()
    api("DELETE", f"vehicles/{first_car(tokens)}/application", tokens["access_token"])
    store.restart()
    assert api("GET", "vehicles", tokens["access_token"]).json()["vehicles"] == []


def test_a_code_survives_a_restart_and_is_valid_once(state_file, visit, token):
    code = visit().connect().callback["code"]
    store.restart()
    fields = {"grant_type": "authorization_code", "redirect_uri": "https://app.example.com/callback"}
    assert token(code=code, **fields).status_code == 200
    store.restart()
    assert token(code=code, **fields).status_code == 400


def test_the_state_is_equal_after_it_was_written_and_read(state_file, connect):
    connect("3-vehicles@smartcar.com")
    connect("smartcar@vs-001.vehicle-state-error.com")
    before = store.state()
    store.restart()
    assert store.state() == before
    assert store.state() is not before


def test_renamed_fields_are_read_from_an_older_snapshot(state_file, connect):
    connect("smartcar@vs-001.vehicle-state-error.com")
    older = (
        state_file.read_text()
        .replace('"fault"', '"command_error"')
        .replace('"is_redeemed": true', '"user": null')
    )
    state_file.write_text(older)
    store.restart()
    assert store.grants()[0].is_redeemed
    assert [car.fault for car in store.cars()] == ["VEHICLE_STATE:DOOR_OPEN"]


def test_the_limit_of_vehicles_is_read_from_an_older_snapshot(state_file, connect):
    store.state().limits.max_vehicles = 3
    connect()
    state_file.write_text(state_file.read_text().replace('"max_vehicles"', '"most_vehicles"'))
    store.restart()
    assert store.state().limits.max_vehicles == 3


def test_a_snapshot_without_states_and_limits_is_read(state_file, connect):
    connect()
    older = json.loads(state_file.read_text())
    for name in ("condition", "evolved_at", "faults", "latencies", "requests"):
        for car in older["cars"].values():
            del car[name]
    del older["limits"], older["faults"]
    state_file.write_text(json.dumps(older))
    store.restart()
    (car,) = store.cars()
    assert (car.state, car.faults, store.state().limits.bucket_size) == ("parked", {}, None)


def test_advance_moves_the_clock_and_reset_sets_it_back():
    before = store.now()
    store.advance(3600)
    assert timedelta(hours=1) <= store.now() - before < timedelta(hours=1, minutes=1)
    store.reset()
    assert store.now() - before < timedelta(minutes=1)


def test_the_clock_survives_a_restart_and_reset_sets_it_back(state_file, volt):
    motion.enter(volt.car, "driving")
    motion.pass_time(86_400)
    moved = store.now()
    store.restart()
    assert timedelta(0) <= store.now() - moved < timedelta(minutes=1)
    driven = store.car(volt.id).odometer_km
    motion.pass_time(3600)
    assert store.car(volt.id).odometer_km == pytest.approx(driven + 60, abs=1.1)
    store.reset()
    store.restart()
    assert moved - store.now() > timedelta(hours=23)


def test_a_snapshot_without_a_clock_has_real_time(state_file):
    store.advance(86_400)
    older = json.loads(state_file.read_text())
    assert older.pop("clock_offset") == 86_400
    state_file.write_text(json.dumps(older))
    store.restart()
    assert abs(store.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_tokens_expire_when_the_clock_is_advanced(connect, api):
    tokens = connect()
    store.advance(7199)
    assert api("GET", "vehicles", tokens["access_token"]).status_code == 200
    store.advance(1)
    assert api("GET", "vehicles", tokens["access_token"]).status_code == 401


def test_without_a_file_nothing_survives_a_restart(connect):
    connect()
    store.restart()
    assert store.cars() == []


def test_the_file_is_private_and_no_temporary_file_is_left(state_file, connect):
    connect()
    assert state_file.stat().st_mode & 0o077 == 0
    assert [path.name for path in state_file.parent.iterdir()] == ["state.json"]


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
def test_an_unreadable_file_is_renamed_and_the_state_is_empty(state_file, content, connect, caplog):
    state_file.write_bytes(content)
    state_file.with_name("state.json.unreadable").write_bytes(b"an older one")
    with caplog.at_level(logging.ERROR):
        assert store.cars() == []
    assert "starting empty" in caplog.text
    assert str(state_file) in caplog.text
    assert state_file.with_name("state.json.unreadable").read_bytes() == b"an older one"
    assert state_file.with_name("state.json.unreadable-2").read_bytes() == content
    connect()
    store.restart()
    assert len(store.cars()) == 1


def test_the_state_is_empty_if_the_file_is_a_folder(state_file, caplog):
    state_file.mkdir()
    assert store.cars() == []
    assert "starting empty" in caplog.text


def test_the_state_is_kept_in_memory_if_the_file_cannot_be_written(settings, tmp_path, connect, caplog):
    settings.SMARTCAR_SIMULATOR_STATE = tmp_path / "no" / "such" / "folder" / "state.json"
    store.restart()
    connect()
    assert "could not write" in caplog.text
    assert len(store.cars()) == 1


def test_the_old_snapshot_is_intact_if_writing_fails(state_file, connect, monkeypatch, caplog):
    connect("a@example.com")
    before = state_file.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    connect("b@example.com")
    assert state_file.read_bytes() == before
    assert [path.name for path in state_file.parent.iterdir()] == ["state.json"]


def test_expired_tokens_are_not_written_to_the_file(state_file, connect, monkeypatch):
    connect("a@example.com")
    later = store.now() + timedelta(days=61)
    monkeypatch.setattr(store, "now", lambda: later)
    connect("b@example.com")
    kept = json.loads(state_file.read_text())
    assert len(kept["access_tokens"]) == len(kept["refresh_tokens"]) == 1
    assert len(kept["grants"]) == 2


def test_expired_tokens_are_deleted_without_a_file(connect, visit, monkeypatch):
    connect("a@example.com")
    visit().connect("c@example.com")
    later = store.now() + timedelta(days=61)
    monkeypatch.setattr(store, "now", lambda: later)
    connect("b@example.com")
    state = store.state()
    # The one code is that of b, which was used just now.
    assert (len(state.codes), len(state.access_tokens), len(state.refresh_tokens)) == (1, 1, 1)


def test_concurrent_changes_are_all_saved(state_file, connect, api):
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


def test_changes_lock_out_other_threads():
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


def test_reset_deletes_everything(state_file, connect):
    connect()
    store.reset()
    assert (
        store.cars(),
        store.owners(),
        store.grants(),
        dict(store.connect_sessions),
        dict(store.counters),
    ) == (
        [],
        [],
        [],
        {},
        {},
    )
    store.restart()
    assert store.cars() == []


def test_old_connect_sessions_are_deleted_when_a_new_one_starts(visit, monkeypatch):
    visit()
    later = store.now() + timedelta(days=1)
    monkeypatch.setattr(store, "now", lambda: later)
    visit()
    assert len(store.connect_sessions) == 1


def test_vehicles_and_owners_are_found_by_id_and_email(connect):
    connect("Driver@Example.com")
    car = store.cars()[0]
    assert store.car(car.id) is car
    assert store.owner("driver@example.com").id == car.owner_id
    with pytest.raises(KeyError):
        store.car("nonsense")
    with pytest.raises(KeyError):
        store.owner("nonsense")


def test_the_environment_has_the_url_of_every_host():
    environment = store.environment("http://localhost:8000/smartcar-simulator/")
    assert environment["SMARTCAR_AUTH_URL"] == "http://localhost:8000/smartcar-simulator/auth/oauth/token"
    assert environment["SMARTCAR_AUTH_ORIGIN"] == environment["SMARTCAR_AUTH_URL"]
    assert environment["SMARTCAR_API_ORIGIN"] == "http://localhost:8000/smartcar-simulator/api"
    assert environment["SMARTCAR_MANAGEMENT_TOKENS"] == store.MANAGEMENT_TOKEN


def test_the_settings_replace_the_credentials(settings, visit, token):
    settings.SMARTCAR_SIMULATOR_CLIENT_ID = "another-id"
    settings.SMARTCAR_SIMULATOR_CLIENT_SECRET = "another-secret"
    assert visit().status == 400
    assert visit(client_id="another-id").status == 200
    assert token(grant_type="refresh_token", refresh_token="x").status_code == 401
    assert store.environment("http://x", "2.0")["SMARTCAR_CLIENT_ID"] == "another-id"


def test_the_clock_runs_at_the_speed_of_the_settings_and_never_jumps(settings):
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as real_time:
        started = store.now()
        settings.SMARTCAR_SIMULATOR_SPEED = 100
        assert store.now() == started == datetime(2026, 1, 1, tzinfo=UTC)
        real_time.shift(timedelta(seconds=2))
        assert store.now() - started == timedelta(seconds=200)
        settings.SMARTCAR_SIMULATOR_SPEED = 1
        assert store.now() - started == timedelta(seconds=200)
        real_time.shift(timedelta(seconds=2))
        assert store.now() - started == timedelta(seconds=202)
        store.reset()
        assert store.now() - started == timedelta(seconds=4)
