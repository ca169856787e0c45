"""Custom user model with UUID keys, which all tests of the app use."""
