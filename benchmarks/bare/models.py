import uuid

from django.db import models


class Received(models.Model):
    """The body of a request."""

    key = models.UUIDField(unique=True, default=uuid.uuid4)
    body = models.TextField()

    class Meta:
        app_label = "bare"

    def __str__(self) -> str:
        return f"{self.key}"
