"""Database routers, as Django's documentation on multiple databases shows them."""

#: The apps whose tables refer to each other.
RELATED = {"admin", "auth", "contenttypes", "people", "smartcar"}


class OwnDatabase:
    """The car and user tables are in the database "cars", everything else is in "rest"."""

    rest = "default"

    def db_for_read(self, model, **hints):
        return "cars" if model._meta.app_label in RELATED else self.rest

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return db == ("cars" if app_label in RELATED else self.rest)


class NoDefault(OwnDatabase):
    rest = "sessions"


class Replica:
    """The site writes to "default", and reads from "replica", but for sessions."""

    def db_for_read(self, model, **hints):
        return "default" if model._meta.app_label == "sessions" else "replica"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, obj1, obj2, **hints):
        return True

    def allow_migrate(self, db, app_label, **hints):
        return db == "default"
