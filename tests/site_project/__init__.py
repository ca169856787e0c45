"""The project of ``tests.site``."""
