"""A project's own user model, with UUID keys: every test of the app runs on a swapped one."""
