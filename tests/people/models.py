import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from django_smartcar.fields import EncryptedTextField


class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)


class Vault(models.Model):
    """A project's model with an encrypted field."""

    name = models.CharField(max_length=20)
    code = EncryptedTextField(null=True)  # type: ignore[misc]  # noqa: DJ001 (the tests need NULL)

    def __str__(self):
        return self.name
