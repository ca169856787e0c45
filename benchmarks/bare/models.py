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


class LatestValue(models.Model):
    """The latest value of a signal of a car."""

    vehicle = models.CharField(max_length=64)
    code = models.CharField(max_length=64)
    value = models.TextField()
    unit = models.CharField(max_length=20)
    recorded_at = models.DateTimeField()

    class Meta:
        app_label = "bare"
        constraints = [models.UniqueConstraint(fields=["vehicle", "code"], name="bare_latest_once")]

    def __str__(self) -> str:
        return f"{self.code} of {self.vehicle}"


class PastValue(models.Model):
    """A value of a signal of a car, kept."""

    vehicle = models.CharField(max_length=64)
    code = models.CharField(max_length=64)
    value = models.TextField()
    unit = models.CharField(max_length=20)
    recorded_at = models.DateTimeField()

    class Meta:
        app_label = "bare"
        constraints = [
            models.UniqueConstraint(fields=["vehicle", "code", "recorded_at"], name="bare_past_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.vehicle}"
