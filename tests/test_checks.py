import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from django_smartcar import checks, task_backends
from django_smartcar.conf import SIMULATOR_CREDENTIALS, SIMULATOR_PATHS, conf
from django_smartcar.secret_types import Secret
from django_smartcar.simulator import conf as simulator
from django_smartcar.simulator import store
from django_smartcar.testing.simulator import ENCRYPTION_KEY

pytestmark = pytest.mark.django_db  # Django's checks of models ask the database what it supports

ROOT = Path(__file__).parents[1]

APPLICATION = "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11"


@pytest.fixture(autouse=True)
def site(settings):
    """Set API v3 and all required settings."""
    settings.SMARTCAR_API_VERSION = "3"
    settings.SMARTCAR_CLIENT_ID = "client_01JABCDEF"
    settings.SMARTCAR_CLIENT_SECRET = "the-secret-of-v3"
    settings.SMARTCAR_APPLICATION_ID = APPLICATION


KEY = "a2V5LW9mLXRoZS1jaGVja3MtMzItYnl0ZXMtbG9uZyE="


def ids():
    return [message.id for message in checks.check_settings()]


def hints():
    return " ".join(f"{message.msg} {message.hint}" for message in checks.check_settings())


def test_valid_settings_have_no_messages(settings):
    settings.SMARTCAR_MAP_TILES = {
        "url": "https://tiles.example.com/{z}/{x}/{y}.png",
        "attribution": "© them",
    }
    settings.SMARTCAR_GEOCODER = "operator.itemgetter"
    assert ids() == []
    assert checks.check_urls() == []


def test_the_checks_are_registered(settings):
    settings.SMARTCAR_CLIENT_ID = ""
    assert "smartcar.E001" in [message.id for message in run_checks()]
    with pytest.raises(SystemCheckError, match="SMARTCAR_CLIENT_ID is not set"):
        call_command("check")


@pytest.mark.parametrize(
    ("name", "value", "id_"),
    [
        ("SMARTCAR_API_VERSION", "2", "smartcar.E010"),
        ("SMARTCAR_CLIENT_ID", "", "smartcar.E001"),
        ("SMARTCAR_CLIENT_ID", APPLICATION, "smartcar.W003"),
        ("SMARTCAR_CLIENT_ID", "client-01ABC", "smartcar.W003"),
        ("SMARTCAR_CLIENT_ID", 5, "smartcar.W003"),
        ("SMARTCAR_CLIENT_SECRET", "", "smartcar.E002"),
        ("SMARTCAR_CLIENT_SECRET", "client_01ABC", "smartcar.W006"),
        ("SMARTCAR_CLIENT_SECRET", APPLICATION, "smartcar.W006"),
        ("SMARTCAR_APPLICATION_ID", "", "smartcar.E011"),
        ("SMARTCAR_APPLICATION_ID", "client_01ABC", "smartcar.W003"),
        ("SMARTCAR_APPLICATION_ID", f"{APPLICATION}0", "smartcar.W003"),
        ("SMARTCAR_V2_CLIENT_ID", APPLICATION, "smartcar.W007"),
        ("SMARTCAR_V2_CLIENT_SECRET", "secret", "smartcar.W007"),
        ("SMARTCAR_MANAGEMENT_TOKENS", "token", "smartcar.E013"),
        ("SMARTCAR_MANAGEMENT_TOKENS", [""], "smartcar.E013"),
        ("SMARTCAR_WEBHOOK_TOKENS", ["an-unguessable-name"], "smartcar.E030"),
        ("SMARTCAR_WEBHOOK_TOKENS", {"an-unguessable-name": "token"}, "smartcar.E030"),
        ("SMARTCAR_WEBHOOK_TOKENS", {"an-unguessable-name": [""]}, "smartcar.E030"),
        ("SMARTCAR_WEBHOOK_TOKENS", {"guessed": ["token"]}, "smartcar.E030"),
        ("SMARTCAR_WEBHOOK_TOKENS", {"an/unguessable/name": ["token"]}, "smartcar.E030"),
        ("SMARTCAR_WEBHOOK_WORK", "later", "smartcar.E031"),
        ("SMARTCAR_COMMAND_EXECUTION", "later", "smartcar.E050"),
        ("SMARTCAR_WEBHOOK_WORK", "tasks", "smartcar.W031"),
        ("SMARTCAR_WEBHOOKS", "0b1a1e0c-4b1e-4f0e-9c55-0d5f3a4f1b11", "smartcar.E034"),
        ("SMARTCAR_WEBHOOKS", [""], "smartcar.E034"),
        ("SMARTCAR_WEBHOOKS", ["two ids"], "smartcar.E034"),
        ("SMARTCAR_WEBHOOKS", ["../signals"], "smartcar.E034"),
        ("SMARTCAR_WEBHOOKS", [5], "smartcar.E034"),
        ("SMARTCAR_SIGNALS", "odometer", "smartcar.E032"),
        ("SMARTCAR_OWNERSHIP_PROOFS", [], "smartcar.E012"),
        ("SMARTCAR_OWNERSHIP_PROOFS", "code", "smartcar.E012"),
        ("SMARTCAR_OWNERSHIP_PROOFS", ["code"], "smartcar.E014"),
        ("SMARTCAR_OWNERSHIP_PROOFS", ["code", "word_of_honour"], "smartcar.E012"),
        ("SMARTCAR_OWNERSHIP_PROOFS", ["external_id", "new_connection"], "smartcar.W008"),
        ("SMARTCAR_ENCRYPTION_KEYS", KEY, "smartcar.E020"),
        ("SMARTCAR_ENCRYPTION_KEYS", ["short"], "smartcar.E020"),
        ("SMARTCAR_ENCRYPTION_KEYS", [KEY, ""], "smartcar.E020"),
        ("SMARTCAR_ENCRYPTION_KEYS", [None], "smartcar.E020"),
        ("SMARTCAR_ENCRYPTION_KEYS", 5, "smartcar.E020"),
        ("SMARTCAR_ENCRYPTION_KEYS", [], "smartcar.E021"),
        ("SMARTCAR_ENCRYPTION_KEYS", None, "smartcar.E021"),
        ("SMARTCAR_REDIRECT_URI", "/cars/callback/", "smartcar.E003"),
        ("SMARTCAR_REDIRECT_URI", "http://[", "smartcar.E003"),
        ("SMARTCAR_REDIRECT_URI", "http://example.com/cars/callback/", "smartcar.W001"),
        ("SMARTCAR_SCOPE", "read_odometer", "smartcar.E004"),
        ("SMARTCAR_SCOPE", [], "smartcar.E004"),
        ("SMARTCAR_SCOPE", ["read_odometer control_security"], "smartcar.E004"),
        ("SMARTCAR_SCOPE", [None], "smartcar.E004"),
        ("SMARTCAR_SCOPE", ["odometer"], "smartcar.E004"),
        ("SMARTCAR_MODE", "development", "smartcar.E005"),
        ("SMARTCAR_UNIT_SYSTEM", "nautical", "smartcar.E006"),
        ("SMARTCAR_REGION", "DE", "smartcar.E015"),
        ("SMARTCAR_READINGS_KEPT_DAYS", None, "smartcar.E016"),
        ("SMARTCAR_READINGS_KEPT_DAYS", 0, "smartcar.E016"),
        ("SMARTCAR_READINGS_KEPT_DAYS", {"location": "30"}, "smartcar.E016"),
        ("SMARTCAR_USER_LIMITS", None, "smartcar.E017"),
        ("SMARTCAR_USER_LIMITS", "10/m", "smartcar.E017"),
        ("SMARTCAR_USER_LIMITS", {"connect": 10}, "smartcar.E017"),
        ("SMARTCAR_USER_LIMITS", {"connect": "-1/m"}, "smartcar.E017"),
        ("SMARTCAR_USER_LIMITS", {"connect": "0/m"}, "smartcar.E017"),
        ("SMARTCAR_USER_LIMITS", {"connect": "10/week"}, "smartcar.E017"),
        ("SMARTCAR_USER_LIMITS", {"conect": "10/m"}, "smartcar.E017"),
        ("SMARTCAR_USER_LIMITS", {5: "10/m"}, "smartcar.E017"),
        ("SMARTCAR_MAP_TILES", "https://tiles.example.com/{z}/{x}/{y}.png", "smartcar.E022"),
        ("SMARTCAR_MAP_TILES", {"url": "https://tiles.example.com/{z}/{x}/{y}.png"}, "smartcar.E022"),
        ("SMARTCAR_MAP_TILES", {"url": "https://tiles.example.com/", "attribution": "x"}, "smartcar.E022"),
        ("SMARTCAR_MAP_TILES", {"url": "javascript:{z}{x}{y}", "attribution": "x"}, "smartcar.E022"),
        ("SMARTCAR_MAP_TILES", {"url": "/{z}/{x}/{y}.png", "attribution": ""}, "smartcar.E022"),
        ("SMARTCAR_GEOCODER", "geocode", "smartcar.E023"),
        ("SMARTCAR_GEOCODER", "django_smartcar.conf.DEFAULT_KEPT_DAYS", "smartcar.E023"),
        ("SMARTCAR_RATE_LIMIT", 120, "smartcar.E018"),
        ("SMARTCAR_RATE_LIMIT", (120,), "smartcar.E018"),
        ("SMARTCAR_RATE_LIMIT", (120, 0), "smartcar.E018"),
        ("SMARTCAR_RATE_LIMIT", (-120, 2), "smartcar.E018"),
        ("SMARTCAR_RATE_LIMIT", ("120", "2"), "smartcar.E018"),
        ("SMARTCAR_TIMEOUT", None, "smartcar.E007"),
        ("SMARTCAR_TIMEOUT", 0, "smartcar.E007"),
        ("SMARTCAR_TIMEOUT", True, "smartcar.E007"),
        ("SMARTCAR_TIMEOUT", float("nan"), "smartcar.E007"),
        ("SMARTCAR_COMMAND_TIMEOUT", "310", "smartcar.E007"),
        ("SMARTCAR_COMMAND_TIMEOUT", float("inf"), "smartcar.E007"),
        ("SMARTCAR_CONNECT_URL", "connect.smartcar.com", "smartcar.E008"),
        ("SMARTCAR_AUTH_URL", "", "smartcar.E008"),
        ("SMARTCAR_IAM_URL", "iam.smartcar.com", "smartcar.E008"),
        ("SMARTCAR_MANAGEMENT_API_URL", "https://management.api.smartcar.com/v3", "smartcar.W004"),
        ("SMARTCAR_VEHICLE_API_URL", "http://vehicle.api.smartcar.com", "smartcar.W001"),
        ("SMARTCAR_VEHICLE_API_URL", "https://vehicle.api.smartcar.com/v3", "smartcar.W004"),
        ("SMARTCAR_API_URL", "ftp://api.smartcar.com", "smartcar.E008"),
        ("SMARTCAR_MANAGEMENT_URL", "https://", "smartcar.E008"),
        ("SMARTCAR_API_URL", "http://api.smartcar.com", "smartcar.W001"),
        ("SMARTCAR_API_URL", "https://api.smartcar.com/v2.0/", "smartcar.W004"),
    ],
)
def test_an_invalid_setting_has_its_id_and_a_hint(settings, name, value, id_):
    setattr(settings, name, value)
    assert ids() == [id_]
    assert name in hints()


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("http://anna:pAssWord@api.example.com", "smartcar.W001"),
        ("https://anna:pAssWord@api.example.com/v2.0", "smartcar.W004"),
        ("ftp://anna:pAssWord@api.example.com", "smartcar.E008"),
    ],
)
def test_no_password_of_a_url_is_shown(settings, address, number):
    settings.SMARTCAR_API_URL = address
    messages = [message for message in run_checks() if message.id == number]
    assert messages
    assert "//…@api.example.com" in messages[0].msg
    assert "pAssWord" not in f"{messages}"


@pytest.mark.parametrize("engine", ["tasks", "celery"])
def test_a_missing_task_backend_has_an_installation_hint(settings, engine, monkeypatch):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    settings.SMARTCAR_WEBHOOK_WORK = engine
    assert ids() == []
    monkeypatch.setitem(sys.modules, task_backends.MODULES[engine], None)
    assert ids() == ["smartcar.E033"]
    assert f"pip install 'django-smartcar[{engine}]'" in hints()
    del settings.SMARTCAR_WEBHOOK_WORK
    settings.SMARTCAR_COMMAND_EXECUTION = engine
    assert ids() == ["smartcar.E051"]
    assert f"pip install 'django-smartcar[{engine}]'" in hints()


def test_commands_need_a_task_backend_with_workers(settings):
    settings.SMARTCAR_COMMAND_EXECUTION = "tasks"
    assert ids() == ["smartcar.W050"]
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    assert ids() == []


def test_credentials_of_both_api_versions_may_be_set(settings):
    settings.SMARTCAR_V2_CLIENT_ID = APPLICATION
    settings.SMARTCAR_V2_CLIENT_SECRET = "the-secret-of-v2"
    assert ids() == []
    settings.SMARTCAR_V2_CLIENT_SECRET = settings.SMARTCAR_CLIENT_SECRET
    assert ids() == ["smartcar.W006"]


@pytest.mark.parametrize("client_id", ["client_01ABC", "not-a-UUID", "99999999-4b1e-4f0e-9c55-0d5f3a4f1b11"])
def test_a_wrong_client_id_of_api_v2_is_reported(settings, client_id):
    settings.SMARTCAR_V2_CLIENT_ID = client_id
    settings.SMARTCAR_V2_CLIENT_SECRET = "the-secret-of-v2"
    assert ids() == ["smartcar.W003"]
    assert "Application details" in hints()


class TestApiV2:
    @pytest.fixture(autouse=True)
    def api_v2(self, site, settings):
        settings.SMARTCAR_API_VERSION = "2.0"
        settings.SMARTCAR_CLIENT_ID = APPLICATION
        del settings.SMARTCAR_APPLICATION_ID

    def test_the_shutdown_of_api_v2_is_reported(self):
        assert ids() == ["smartcar.W005"]
        assert "2026-12-01" in hints()
        assert "migrate_smartcar_accounts" in hints()

    @pytest.mark.parametrize(
        ("name", "value", "id_"),
        [
            ("SMARTCAR_CLIENT_ID", "client_01ABC", "smartcar.W003"),
            ("SMARTCAR_CLIENT_ID", "", "smartcar.E001"),
            ("SMARTCAR_CLIENT_SECRET", "", "smartcar.E002"),
            ("SMARTCAR_V2_CLIENT_ID", APPLICATION, "smartcar.W007"),
            ("SMARTCAR_WEBHOOKS", [APPLICATION], "smartcar.W032"),
        ],
    )
    def test_mixed_up_credentials_are_reported(self, settings, name, value, id_):
        setattr(settings, name, value)
        assert ids() == ["smartcar.W005", id_]


@pytest.mark.parametrize("host", ["http://localhost:8000/x", "http://127.0.0.1:8100/x", "http://[::1]/x"])
def test_local_hosts_need_no_tls(settings, host):
    settings.SMARTCAR_API_URL = settings.SMARTCAR_REDIRECT_URI = host
    assert ids() == []


def test_the_secret_is_in_no_message(settings):
    settings.SMARTCAR_CLIENT_ID = ""
    assert settings.SMARTCAR_CLIENT_SECRET not in hints()


def test_with_debug_a_key_derived_from_the_secret_key_is_a_warning(settings):
    settings.DEBUG = True
    assert ids() == []
    settings.SMARTCAR_ENCRYPTION_KEYS = []
    assert ids() == ["smartcar.W020"]
    assert "SECRET_KEY" in hints()


@pytest.mark.parametrize("debug", [True, False])
def test_the_command_in_the_hint_prints_a_key(settings, debug):
    settings.DEBUG = debug
    settings.SMARTCAR_ENCRYPTION_KEYS = []
    command = hints()[hints().index("python -c ") :]
    done = subprocess.run([sys.executable, *shlex.split(command)[1:]], capture_output=True, text=True)
    settings.SMARTCAR_ENCRYPTION_KEYS = done.stdout.split()
    assert len(settings.SMARTCAR_ENCRYPTION_KEYS) == 1
    assert ids() == []


def test_a_key_is_in_no_message(settings):
    settings.SMARTCAR_ENCRYPTION_KEYS = [KEY, KEY[4:]]
    assert ids() == ["smartcar.E020"]
    assert KEY[4:] not in hints()


def test_missing_urls_are_reported(settings):
    settings.ROOT_URLCONF = "django_smartcar.simulator.urls"
    assert [message.id for message in checks.check_urls()] == ["smartcar.E009"]


def test_deployment_checks_report_that_every_webhook_would_be_rejected(settings):
    assert "smartcar.W030" not in [message.id for message in run_checks()]
    deployed = run_checks(include_deployment_checks=True)
    assert "/cars/webhook/" in next(one.msg for one in deployed if one.id == "smartcar.W030")
    settings.SMARTCAR_REDIRECT_URI = "https://example.com/cars/callback/"
    settings.SMARTCAR_MANAGEMENT_TOKENS = ["token"]
    assert checks.check_deployment() == []
    settings.SMARTCAR_WEBHOOK_TOKENS = {"an-unguessable-name": ["token"]}
    assert ids() == []
    settings.ROOT_URLCONF = "django_smartcar.simulator.urls"
    settings.SMARTCAR_MANAGEMENT_TOKENS = settings.SMARTCAR_WEBHOOK_TOKENS = []
    assert checks.check_deployment() == []


class TestPublishedValues:
    """What ``check --deploy`` says of values that everybody knows, and of the simulator."""

    @pytest.fixture(autouse=True)
    def deployed(self, site, settings):
        settings.INSTALLED_APPS = [
            app for app in settings.INSTALLED_APPS if app != "django_smartcar.simulator"
        ]
        settings.DEBUG = False

    @staticmethod
    def messages():
        deployed = run_checks(include_deployment_checks=True)
        return [(one.id, one.msg) for one in deployed if one.id.startswith("smartcar.W04")]

    def test_a_site_with_values_of_its_own_has_no_messages(self, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = ["12345678"]
        settings.SMARTCAR_WEBHOOK_TOKENS = {"an-unguessable-name": ["12345678"]}
        assert self.messages() == []

    def test_they_are_not_checked_without_deploy(self, settings):
        settings.SMARTCAR_MANAGEMENT_TOKENS = [simulator.MANAGEMENT_TOKEN]
        assert ids() == []

    def test_keys_of_the_example_and_of_the_tests_are_published(self, settings):
        example = (ROOT / "example_project" / "example" / "settings.py").read_text()
        secret_key = re.search(r'DEMO_SECRET_KEY = "(.+?)"', example)[1]
        encryption_key = re.search(r'DEMO_ENCRYPTION_KEY = "(.+?)"', example)[1]
        for key in (encryption_key, ENCRYPTION_KEY):
            settings.SMARTCAR_ENCRYPTION_KEYS = [KEY, key]
            ((number, text),) = self.messages()
            assert number == "smartcar.W040"
            assert "SMARTCAR_ENCRYPTION_KEYS" in text
            assert key not in text
        settings.SMARTCAR_ENCRYPTION_KEYS = [KEY]
        settings.SECRET_KEY = secret_key
        ((number, text),) = self.messages()
        assert number == "smartcar.W040"
        assert text.startswith("SECRET_KEY ")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SMARTCAR_CLIENT_ID", simulator.M2M_CLIENT_ID),
            ("SMARTCAR_CLIENT_SECRET", simulator.M2M_CLIENT_SECRET),
            ("SMARTCAR_APPLICATION_ID", simulator.CLIENT_ID),
            ("SMARTCAR_V2_CLIENT_ID", simulator.CLIENT_ID),
            ("SMARTCAR_V2_CLIENT_SECRET", simulator.CLIENT_SECRET),
            ("SMARTCAR_MANAGEMENT_TOKENS", ["a token of its own", simulator.MANAGEMENT_TOKEN]),
            ("SMARTCAR_WEBHOOK_TOKENS", {"an-unguessable-name": [simulator.MANAGEMENT_TOKEN]}),
        ],
    )
    def test_credentials_of_the_simulator_are_published(self, settings, name, value):
        setattr(settings, name, value)
        ((number, text),) = self.messages()
        assert number == "smartcar.W041"
        assert text.startswith(f"{name} ")
        assert ("send this site webhooks" in text) is name.endswith("_TOKENS")

    def test_the_credentials_that_a_url_of_a_simulator_sets_are_reported_once(self, settings):
        for name in ("CLIENT_ID", "CLIENT_SECRET", "APPLICATION_ID"):
            setattr(settings, f"SMARTCAR_{name}", "")
        settings.DEBUG = True
        settings.SMARTCAR_SIMULATOR_URL = "http://127.0.0.1:8100"
        ((number, text),) = self.messages()
        assert number == "smartcar.W041"
        assert text.startswith("SMARTCAR_SIMULATOR_URL ")
        settings.SMARTCAR_CLIENT_SECRET = simulator.M2M_CLIENT_SECRET
        assert [text.split()[0] for _, text in self.messages()] == [
            "SMARTCAR_SIMULATOR_URL",
            "SMARTCAR_CLIENT_SECRET",
        ]

    def test_the_simulator_is_not_for_a_deployed_site(self, settings):
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_smartcar.simulator"]
        ((number, text),) = self.messages()
        assert number == "smartcar.W042"
        assert "INSTALLED_APPS" in text
        settings.DEBUG = True
        assert self.messages() == []

    @pytest.mark.parametrize("origin", ["https://sim.example.com/simulator", "http://127.0.0.1:8100"])
    def test_a_url_of_a_simulator_is_not_for_a_deployed_site(self, settings, origin):
        urls = {
            name: url
            for name, url in store.environment(origin).items()
            if name.endswith("_URL") and hasattr(type(conf), name)
        }
        for name, url in urls.items():
            setattr(settings, name, url)
        found = self.messages()
        assert {number for number, _ in found} == {"smartcar.W042"}
        assert [text.split()[0] for _, text in found] == list(SIMULATOR_PATHS)
        assert len(found) == len(urls) == 8
        settings.DEBUG = True
        assert self.messages() == []

    def test_a_proxy_of_the_sites_own_is_not_taken_for_a_simulator(self, settings):
        settings.SMARTCAR_API_URL = "https://gateway.example.com/smartcar/v2"
        assert self.messages() == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SMARTCAR_CLIENT_SECRET", "x"),
            ("SMARTCAR_V2_CLIENT_SECRET", "1234567"),
            ("SMARTCAR_MANAGEMENT_TOKENS", ["a-long-enough-token", "x"]),
            ("SMARTCAR_WEBHOOK_TOKENS", {"an-unguessable-name": ["x"]}),
        ],
    )
    def test_a_secret_that_can_be_guessed_is_reported(self, settings, name, value):
        setattr(settings, name, value)
        ((number, text),) = self.messages()
        assert number == "smartcar.W043"
        assert text.startswith(f"{name} ")

    @pytest.mark.parametrize("value", [None, 5, "token", [5], {"name": 5}])
    def test_settings_of_another_type_are_left_to_the_other_checks(self, settings, value):
        for name in ("SMARTCAR_MANAGEMENT_TOKENS", "SMARTCAR_WEBHOOK_TOKENS", "SMARTCAR_ENCRYPTION_KEYS"):
            setattr(settings, name, value)
        assert self.messages() == []


class TestSimulatorUrl:
    URL = "http://127.0.0.1:8100"

    @pytest.fixture(autouse=True)
    def _site(self, settings):
        settings.DEBUG = True
        settings.SMARTCAR_SIMULATOR_URL = f"{self.URL}/"
        for name in (*SIMULATOR_CREDENTIALS, "SMARTCAR_ENCRYPTION_KEYS"):
            if hasattr(settings, name):
                delattr(settings, name)

    @pytest.mark.parametrize("version", ["3", "2.0"])
    def test_it_sets_what_the_simulator_prints(self, settings, version):
        settings.SMARTCAR_API_VERSION = version
        for name, value in store.site_environment(self.URL, version).items():
            if name == "SMARTCAR_MANAGEMENT_TOKENS":
                assert [token.reveal() for token in conf.SMARTCAR_MANAGEMENT_TOKENS] == [value]
            elif name != "SMARTCAR_APPLICATION_ID" or version == "3":
                assert Secret(getattr(conf, name)).reveal() == value

    @pytest.mark.parametrize(
        ("version", "found"), [("3", ["smartcar.W020"]), ("2.0", ["smartcar.W005", "smartcar.W020"])]
    )
    def test_it_is_all_that_a_site_needs(self, settings, version, found):
        settings.SMARTCAR_API_VERSION = version
        assert ids() == found

    def test_explicit_settings_win_and_empty_ones_do_not(self, settings):
        settings.SMARTCAR_API_URL = "https://proxy.example.com"
        settings.SMARTCAR_IAM_URL = settings.SMARTCAR_CLIENT_ID = ""
        settings.SMARTCAR_CLIENT_SECRET = "my-own-secret"
        settings.SMARTCAR_MANAGEMENT_TOKENS = []
        assert conf.SMARTCAR_API_URL == "https://proxy.example.com"
        assert f"{self.URL}/iam/oauth2/token" == conf.SMARTCAR_IAM_URL
        assert conf.SMARTCAR_CLIENT_ID == simulator.M2M_CLIENT_ID
        assert conf.SMARTCAR_CLIENT_SECRET.reveal() == "my-own-secret"
        assert [token.reveal() for token in conf.SMARTCAR_MANAGEMENT_TOKENS] == [simulator.MANAGEMENT_TOKEN]

    def test_it_is_refused_without_debug(self, settings):
        settings.DEBUG = False
        settings.SMARTCAR_ENCRYPTION_KEYS = [KEY]
        assert ids() == ["smartcar.E019"]

    def test_it_must_be_a_url_and_is_reported_once(self, settings):
        settings.SMARTCAR_SIMULATOR_URL = "127.0.0.1:8100"
        assert ids().count("smartcar.E008") == 1
        assert "SMARTCAR_SIMULATOR_URL is '127.0.0.1:8100'" in hints()

    @pytest.mark.parametrize("version", ["3", "2.0"])
    @pytest.mark.parametrize(
        ("own", "text"),
        [
            (
                {"SMARTCAR_CLIENT_SECRET": "my-own-secret"},
                "in SMARTCAR_CLIENT_ID, but SMARTCAR_CLIENT_SEC",
            ),
            (
                {"SMARTCAR_CLIENT_SECRET": "my-own-secret"},
                "in SMARTCAR_CLIENT_SECRET are not the sim",
            ),
            ({"SMARTCAR_CONNECT_URL": "https://connect.smartcar.com"}, "but SMARTCAR_CONNECT_URL leads to"),
            ({"SMARTCAR_IAM_URL": "https://iam.smartcar.com/oauth2/token"}, "but SMARTCAR_IAM_URL leads to"),
        ],
    )
    def test_the_simulators_credentials_go_with_its_hosts_only(self, settings, version, own, text):
        settings.SMARTCAR_API_VERSION = version
        if version == "2.0":
            text = text.replace("IAM", "AUTH")
        for name, value in own.items():
            setattr(settings, name.replace("IAM", "AUTH") if version == "2.0" else name, value)
        assert "smartcar.W009" in ids()
        assert text in hints()
        assert "my-own-secret" not in hints()

    def test_real_credentials_do_not_go_to_a_simulator(self, settings):
        settings.SMARTCAR_SIMULATOR_URL = ""
        settings.SMARTCAR_CLIENT_ID = "client_01JABCDEF"
        settings.SMARTCAR_CLIENT_SECRET = "my-own-secret"
        settings.SMARTCAR_APPLICATION_ID = APPLICATION
        assert ids() == ["smartcar.W020"]
        settings.SMARTCAR_IAM_URL = f"{self.URL}/iam/oauth2/token"
        assert ids() == ["smartcar.W009", "smartcar.W020"]


CREDENTIALS = {
    "SMARTCAR_CLIENT_ID": "client_01JABCDEF",
    "SMARTCAR_CLIENT_SECRET": "the-secret-of-v3",
    "SMARTCAR_APPLICATION_ID": APPLICATION,
    "SMARTCAR_V2_CLIENT_ID": APPLICATION,
    "SMARTCAR_V2_CLIENT_SECRET": "the-secret-of-v2",
    "SMARTCAR_MANAGEMENT_TOKENS": "the-management-token",
}


class TestWhatIsAroundACredential:
    """White space is ignored; quotation marks, and white space inside, are an error."""

    @pytest.fixture(autouse=True)
    def _all(self, settings):
        for name, value in CREDENTIALS.items():
            setattr(settings, name, [value] if name.endswith("TOKENS") else value)

    def put(self, settings, name, value):
        setattr(settings, name, [value] if name.endswith("TOKENS") else value)

    def text(self, name):
        value = getattr(conf, name)
        return Secret(value[0] if name.endswith("TOKENS") else value).reveal()

    @pytest.mark.parametrize("name", CREDENTIALS)
    @pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "\t{}\r\n", "\u00a0{}"])
    def test_white_space_is_ignored(self, settings, name, around):
        self.put(settings, name, around.format(CREDENTIALS[name]))
        assert self.text(name) == CREDENTIALS[name]
        assert ids() == []

    def test_white_space_around_other_secrets_is_ignored(self, settings):
        settings.SMARTCAR_WEBHOOK_TOKENS = {"an-unguessable-name": ["a-token\n"]}
        settings.SMARTCAR_ENCRYPTION_KEYS = [f"{KEY}\n"]
        assert conf.SMARTCAR_WEBHOOK_TOKENS["an-unguessable-name"][0].reveal() == "a-token"
        assert conf.encryption_keys[0].reveal() == KEY
        assert ids() == []

    @pytest.mark.parametrize("name", CREDENTIALS)
    @pytest.mark.parametrize("around", ["'{}'", '"{}"', "'{}", '{}"', "“{}”", "{} x", "x\n{}"])
    def test_anything_else_is_an_error_that_does_not_show_it(self, settings, name, around):
        self.put(settings, name, around.format(CREDENTIALS[name]))
        (message,) = [one for one in checks.check_settings() if one.id == "smartcar.E040"]
        assert message.msg.startswith(f"{name} ")
        assert CREDENTIALS[name] not in f"{message.msg} {message.hint}"

    def test_a_webhooks_token_in_quotation_marks_is_an_error(self, settings):
        settings.SMARTCAR_WEBHOOK_TOKENS = {"an-unguessable-name": ["'a-token'"]}
        assert ids() == ["smartcar.E040"]


def test_the_docstring_lists_exactly_the_ids_in_use():
    source = "".join(path.read_text() for path in Path(checks.__file__).parent.glob("*.py"))
    documented = {word.strip("`") for word in checks.__doc__.split() if word.startswith("``smartcar.")}
    raised = {part.split('"')[0] for part in source.split('id="')[1:]}
    assert documented == raised


def test_settings_are_read_on_access(settings):
    settings.SMARTCAR_MODE = "test"
    assert conf.SMARTCAR_MODE == "test"
    del settings.SMARTCAR_MODE
    assert conf.SMARTCAR_MODE == "live"


def test_a_trailing_slash_of_a_host_is_removed(settings):
    settings.SMARTCAR_API_URL = "https://api.smartcar.com/"
    assert conf.SMARTCAR_API_URL == "https://api.smartcar.com"
