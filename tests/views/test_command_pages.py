"""What a driver sees of a command that is under way, and at which addresses."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from django_smartcar.models import VehicleCommand
from django_smartcar.services import commands, readings
from django_smartcar.services.commands import _records
from django_smartcar.views import command_sentences

pytestmark = pytest.mark.django_db

LIST = "/cars/"
FOLLOWED = "data-smartcar-follow"


@pytest.fixture
def annas(client, anna):
    client.force_login(anna)
    return client


@pytest.fixture
def berts(bert):
    client = Client()
    client.force_login(bert)
    return client


@pytest.fixture
def nobody(settings):
    """No worker runs: commands stay queued."""
    settings.SMARTCAR_COMMAND_EXECUTION = "command"


@pytest.fixture
def queued(vehicle, anna, nobody):
    return commands.enqueue(vehicle, "lock", actor=anna)


def address(command, suffix="/"):
    return f"/cars/{command.vehicle_id}/commands/{command.pk}{suffix}"


def sentences(page):
    part = re.search(r'data-smartcar-part="commands".*?>(.*?)</div>', page, re.DOTALL)[1]
    return [unescape(text) for text in re.findall(r"<p>(.*?)</p>", part, re.DOTALL)]


def test_the_page_follows_a_command_until_it_is_finished(annas, vehicle, nobody, mock_api):
    page = annas.post(f"/cars/{vehicle.pk}/lock/", follow=True).text
    command = VehicleCommand.objects.get()
    assert sentences(page) == ["Waiting to lock…"]
    assert f'{FOLLOWED}="{address(command)}"' in page
    head = page.partition("</head>")[0]
    refreshes = (
        rf'<noscript><meta http-equiv="refresh" content="5; url=\?page=1&amp;at=\d+#vehicle-{vehicle.pk}">'
    )
    assert re.search(refreshes, head)
    assert 'src="/static/smartcar/follow.js"' in page
    assert "<script>" not in page
    assert "Nothing has been read" not in page
    fragment = annas.get(address(command)).text
    assert sentences(fragment) == sentences(page)
    assert FOLLOWED in fragment
    mock_api.commands("car-1")
    commands.work()
    fragment = annas.get(address(command)).text
    assert sentences(fragment) == ["Locked just now."]
    assert FOLLOWED not in fragment
    page = annas.get(LIST).text
    assert FOLLOWED not in page
    assert "noscript" not in page


def test_the_fragment_has_the_values_that_the_page_shows(
    annas, make_vehicle, account, anna, nobody, mock_api
):
    vehicle = make_vehicle(account, permissions=["control_security", "read_security"])
    readings.save(vehicle, "is_locked", False, recorded_at=timezone.now() - timedelta(minutes=5))
    command = commands.enqueue(vehicle, "lock", actor=anna)
    assert "<dd><bdi>unlocked</bdi> <small>" in annas.get(address(command)).text
    mock_api.commands("car-1")
    commands.work()
    page = f"/cars/{vehicle.pk}/"
    for url in (address(command), page):
        assert "<dd><bdi>locked (confirmed just now)</bdi> <small>" in annas.get(url).text
    for url in (address(command), page, LIST):
        assert re.search(r"<span>locked</span> <small>just now</small>", annas.get(url).text)
    readings.save(vehicle, "is_locked", False, recorded_at=timezone.now())
    assert "<dd><bdi>unlocked</bdi> <small>" in annas.get(page).text
    assert "<span>unlocked</span>" in annas.get(LIST).text


def test_the_page_of_the_car_follows_and_leads_back_to_itself(annas, vehicle, nobody, mock_api):
    url = f"/cars/{vehicle.pk}/"
    page = annas.post(f"{url}lock/", {"next": url}, follow=True).text
    command = VehicleCommand.objects.get()
    assert sentences(page) == ["Waiting to lock…"]
    assert f'{FOLLOWED}="{address(command)}?next={url}"' in page
    assert 'content="5; url=?period=week"' in page.partition("</head>")[0]
    assert f'data-smartcar-live="{url}state/?next={url}"' in page
    for fragment in (annas.get(f"{url}state/", {"next": url}), annas.get(address(command), {"next": url})):
        assert sentences(fragment.text) == sentences(page)
        assert f'name="next" value="{url}"' in fragment.text
        assert "no-store" in fragment["Cache-Control"]


def test_the_history_says_what_became_of_each_command(annas, vehicle, anna, mock_api):
    mock_api.commands("car-1")
    for action in ("lock", "unlock"):
        annas.post(f"/cars/{vehicle.pk}/{action}/")
    for number in range(9):
        VehicleCommand.objects.create(
            vehicle=vehicle,
            action="refresh",
            status="succeeded",
            idempotency_key=str(number),
            finished_at=timezone.now(),
        )
    for url in (f"/cars/{vehicle.pk}/", f"/cars/{vehicle.pk}/state/"):
        history = re.search(r'data-smartcar-part="history">(.*?)</ol>', annas.get(url).text, re.DOTALL)[1]
        assert re.findall(r"<li>(\w+) just now\.", history) == ["Read"] * 9 + ["Unlocked"]


def test_the_list_follows_what_webhooks_change(annas, berts, vehicle, nobody):
    vehicle.permissions = ["read_battery"]
    vehicle.save()
    page = annas.get(LIST).text
    assert 'data-smartcar-live="/cars/states/?page=1"' in page
    readings.save(vehicle, "battery_level", 0.68, "fraction")
    fragment = annas.get("/cars/states/?page=1")
    assert "<strong>68&nbsp;%</strong>" in fragment.text
    assert f'data-smartcar-vehicle="{vehicle.pk}"' in fragment.text
    assert "no-store" in fragment["Cache-Control"]
    assert "smartcar-state" not in berts.get("/cars/states/").text
    assert annas.post("/cars/states/").status_code == 405


@pytest.mark.parametrize(
    "layout", ["{% if messages %}{% for m in messages %}<b>{{ m }}</b>{% endfor %}{% endif %}", ""]
)
def test_a_message_is_shown_once_whatever_layout_the_site_has(annas, settings, tmp_path, layout):
    (tmp_path / "smartcar").mkdir()
    base = tmp_path / "smartcar" / "base.html"
    base.write_text(layout + "{% block content %}{% endblock %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    annas.get("/cars/connect/")
    page = annas.get(LIST).text
    assert page.count("Please press the button again.") == 1
    assert ("<b>You are" in page) is bool(layout)


def test_fragments_leave_messages_for_the_page(annas, vehicle, queued):
    annas.post(f"/cars/{vehicle.pk}/lock/")
    for url in ("/cars/states/", f"/cars/{vehicle.pk}/state/", address(queued)):
        assert "still under way" not in annas.get(url).text
    assert "still under way" in annas.get(f"/cars/{vehicle.pk}/").text


def test_the_json_says_the_same(annas, queued, mock_api):
    answer = annas.get(address(queued, ".json"))
    assert "no-store" in answer["Cache-Control"]
    found = answer.json()
    assert (found["status"], found["is_finished"], found["action"]) == ("queued", False, "lock")
    assert found["text"].startswith("Waiting to lock…")
    assert not {"location", "parameters", "actor"} & set(found)
    mock_api.commands("car-1")
    commands.work()
    found = annas.get(address(queued, ".json")).json()
    assert (found["status"], found["is_finished"]) == ("succeeded", True)


@pytest.mark.parametrize("suffix", ["/", ".json"])
class TestWrongUsers:
    def test_a_command_of_another_user_is_a_404(self, berts, queued, suffix):
        assert berts.get(address(queued, suffix)).status_code == 404

    def test_a_command_under_the_number_of_an_own_car_is_a_404(
        self, berts, bert, queued, make_account, make_vehicle, suffix
    ):
        own = make_vehicle(make_account(bert, "driver-b"), "car-2")
        assert berts.get(f"/cars/{own.pk}/commands/{queued.pk}{suffix}").status_code == 404

    def test_a_command_under_the_number_of_another_own_car_is_a_404(
        self, annas, queued, account, make_vehicle, suffix
    ):
        other = make_vehicle(account, "car-2")
        assert annas.get(f"/cars/{other.pk}/commands/{queued.pk}{suffix}").status_code == 404

    def test_an_operator_who_sent_it_is_not_its_owner(self, berts, bert, vehicle, nobody, suffix):
        command = commands.enqueue(vehicle, "lock", actor=bert)
        assert berts.get(address(command, suffix)).status_code == 404

    def test_an_anonymous_user_is_redirected_to_the_login(self, client, queued, suffix):
        url = address(queued, suffix)
        assert client.get(url).url == f"/login/?next={url}"

    def test_a_post_is_refused(self, annas, queued, suffix):
        assert annas.post(address(queued, suffix)).status_code == 405


def test_a_repeated_press_says_that_it_is_still_under_way(annas, vehicle, queued):
    page = annas.post(f"/cars/{vehicle.pk}/lock/", follow=True).text
    notice = '<p role="alert" class="smartcar-notice">2021 Chevrolet Bolt: That is still under way.'
    assert page.count(notice) == 1
    assert "still under way" not in page.partition(f'id="vehicle-{vehicle.pk}"')[0], "it is shown at the car"
    assert VehicleCommand.objects.count() == 1


def test_a_command_behind_another_says_so(annas, vehicle, queued):
    _records.claim(VehicleCommand.objects.all())
    page = annas.post(f"/cars/{vehicle.pk}/unlock/", follow=True).text
    assert sentences(page) == [
        "Locking… This can take up to 5 minutes.",
        "Waiting to unlock… The car is still busy with what it was asked before.",
    ]


def test_polling_expires_what_a_dead_process_left(annas, queued):
    _records.claim(VehicleCommand.objects.all())
    VehicleCommand.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sentences(annas.get(address(queued)).text) == [
        "Lock: No answer came. The car may or may not have done it: please check the car."
    ]
    assert VehicleCommand.objects.get().status == "unknown"


def test_polling_sends_nothing_that_has_waited_too_long(annas, queued, settings):
    VehicleCommand.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    settings.SMARTCAR_COMMAND_EXECUTION = "thread"
    assert sentences(annas.get(address(queued)).text) == [
        "Could not lock: This site was busy, and has not asked the car. Please try again."
    ]


def test_polling_sends_what_a_dead_process_has_not_begun(annas, queued, settings, mock_api):
    mock_api.commands("car-1")
    settings.SMARTCAR_COMMAND_EXECUTION = "thread"
    assert sentences(annas.get(address(queued)).text) == ["Locked just now."]


def test_disconnecting_is_followed_like_a_command(annas, vehicle, nobody, mock_api):
    mock_api.disconnects("car-1")
    page = annas.post(f"/cars/{vehicle.pk}/disconnect/", follow=True).text
    assert sentences(page) == ["Waiting to disconnect…"]
    commands.work()
    fragment = annas.get(address(VehicleCommand.objects.get())).text
    assert sentences(fragment) == ["Disconnected just now."]
    assert "data-smartcar-gone" in fragment


def test_disconnecting_is_followed_without_a_working_connection_and_whatever_else_was_asked(
    annas, vehicle, account, nobody, settings
):
    settings.SMARTCAR_USER_LIMITS = {"command": "1/d"}
    annas.post(f"/cars/{vehicle.pk}/lock/")
    account.reconnect_required_at = timezone.now()
    account.save()
    page = annas.post(f"/cars/{vehicle.pk}/disconnect/", follow=True).text
    assert "too often" not in page
    assert sentences(page)[-1].startswith("Waiting to lock…")
    _records.claim(VehicleCommand.objects.all())
    page = annas.post(f"/cars/{vehicle.pk}/disconnect/", follow=True).text
    assert sentences(page)[-1].startswith("Waiting to disconnect…")
    assert FOLLOWED in page


def test_help_is_linked_where_smartcar_names_it(annas, vehicle, mock_api):
    VehicleCommand.objects.create(
        vehicle=vehicle,
        action="lock",
        status="failed",
        error_type="CONNECTED_SERVICES_ACCOUNT",
        error_code="VIRTUAL_KEY_REQUIRED",
        help_url="https://www.tesla.com/_ak/smartcar.com",
        finished_at=timezone.now(),
    )
    assert ' <a href="https://www.tesla.com/_ak/smartcar.com">What to do</a></p>' in annas.get(LIST).text


@pytest.mark.parametrize(("status", "number"), [("failed", 2), ("unknown", 2), ("succeeded", 0)])
def test_help_is_linked_until_the_car_has_done_it(annas, vehicle, status, number):
    """A reading may show later that a command without an answer was executed."""
    VehicleCommand.objects.create(
        vehicle=vehicle,
        action="lock",
        status=status,
        error_type="CONNECTED_SERVICES_ACCOUNT",
        error_code="VIRTUAL_KEY_REQUIRED",
        help_url="https://www.tesla.com/_ak/smartcar.com",
        finished_at=timezone.now(),
        resolved_at=timezone.now() if status == "succeeded" else None,
    )
    assert annas.get(f"/cars/{vehicle.pk}/").text.count("What to do") == number


def test_every_action_has_sentences():
    assert set(command_sentences.TEXTS) == set(VehicleCommand.Action.values)


@pytest.mark.parametrize("action", command_sentences.TEXTS)
def test_a_queued_command_reads_otherwise_than_one_that_was_sent(vehicle, action):
    command = VehicleCommand(vehicle=vehicle, action=action, status="queued")
    waiting = command_sentences.sentence(command)
    command.status = "pending"
    doing = command_sentences.sentence(command)
    if action in ("refresh", "reload"):
        assert waiting == doing == "Reading your car…"
    else:
        assert waiting.startswith("Waiting to ")
        assert not doing.startswith("Waiting")


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "just now"),
    (59, "just now"),
    (60, "1\xa0minute ago"),
    (125, "2\xa0minutes ago"),
])  # fmt: skip
def test_times(seconds, text):
    assert command_sentences.since(timezone.now() - timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("timeout", "text"), [(310, "up to 5 minutes"), (30, "up to a minute")])
def test_how_long_it_can_take_follows_the_setting(queued, settings, timeout, text):
    settings.SMARTCAR_COMMAND_TIMEOUT = timeout
    queued.status = "pending"
    assert text in command_sentences.sentence(queued)


@pytest.mark.parametrize(
    ("kind", "path"), [("command", "lock"), ("command", "unlock"), ("refresh", "refresh")]
)
def test_a_user_who_asks_too_often_is_told_when_to_try_again(
    annas, berts, vehicle, settings, nobody, kind, path
):
    settings.SMARTCAR_USER_LIMITS = {kind: "2/m"}
    for _ in range(2):
        annas.post(f"/cars/{vehicle.pk}/{path}/")
    page = annas.post(f"/cars/{vehicle.pk}/{path}/", follow=True).text
    assert re.search(
        r"You have asked this too often in a short time\. Please try again in \d+ seconds?\.", page
    )
    assert VehicleCommand.objects.count() == 1


def test_the_limit_of_one_user_is_not_that_of_another(
    annas, berts, bert, vehicle, make_account, make_vehicle, settings, nobody
):
    settings.SMARTCAR_USER_LIMITS = {"command": "2/m"}
    other = make_vehicle(make_account(bert, "driver-b"), "car-b")
    for _ in range(5):
        annas.post(f"/cars/{vehicle.pk}/lock/")
    assert "too often" not in berts.post(f"/cars/{other.pk}/lock/", follow=True).text
    assert VehicleCommand.objects.filter(vehicle=other, status="queued").exists()
