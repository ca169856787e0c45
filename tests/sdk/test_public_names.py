import subprocess
import sys
from types import ModuleType

from django_smartcar import sdk

OFFICIAL_NAMES = [
    "AuthClient",
    "Vehicle",
    "is_expired",
    "get_vehicle_ids",
    "get_user_id",
    "SmartcarException",
    "ValidationException",
    "AuthenticationException",
    "PermissionException",
    "ResourceNotFoundException",
    "StateException",
    "RateLimitingException",
    "MonthlyLimitExceeded",
    "ServerException",
    "NotCapableException",
    "GatewayTimeoutException",
]


def test_all_lists_every_public_name():
    public = {
        name
        for name, value in vars(sdk).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    modules = {"connect", "const", "failures", "readings", "signals", "units", "v3", "webhooks"}
    assert public | modules == set(sdk.__all__)
    assert sdk.__all__ == sorted(sdk.__all__, key=lambda name: (name[0].islower(), name))


def test_every_name_of_the_official_sdk_exists():
    assert set(OFFICIAL_NAMES) <= set(sdk.__all__)
    assert sdk.Api
    assert sdk.call
    for name in ("API_URL", "AUTH_URL", "CONNECT_URL"):
        assert getattr(sdk.const, name).startswith("https://")


def test_the_sdk_works_without_django():
    script = (
        "import sys\n"
        "class NoDjango:\n"
        "    def find_spec(self, name, *args):\n"
        "        if name.split('.')[0] == 'django': raise ImportError(name)\n"
        "sys.meta_path.insert(0, NoDjango())\n"
        "from django_smartcar import sdk\n"
        "sdk.AuthClient('id', 'secret', 'https://site.example').get_auth_url()\n"
        "assert 'django' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=20)
