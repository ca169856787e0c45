import pytest
from django.contrib.auth.models import Permission
from django.test import Client


@pytest.fixture
def staff(django_user_model):
    """Create a client that is logged in as staff with only these permissions."""

    def make(*codenames):
        operator = django_user_model.objects.create_user("operator", password="operator", is_staff=True)
        operator.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(operator)
        return client

    return make
