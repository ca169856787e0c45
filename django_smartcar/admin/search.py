"""Searches of the admin. Each word is looked up through an index: no table is read from end to end.

A word is an id of Smartcar's, the beginning of a username or, for who may see users, an e-mail address.
"""

from typing import Any

from django.contrib.auth import get_permission_codename, get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q

from ..models import LABELS, ConnectedVehicle, SmartcarAccount, SmartcarUser

#: Each word takes further queries.
MAX_WORDS = 10

#: A word that more usernames begin with is only compared with whole usernames.
MAX_USERS = 20


def words(search_term: str) -> list[str]:
    """Return the words of a search, at most MAX_WORDS; all of them must match."""
    return search_term.replace('"', " ").split()[:MAX_WORDS]


def is_forbidden(word: str, operator: Any) -> bool:
    """Return whether a word may be an e-mail address, and the operator may not learn whose it is."""
    model = get_user_model()
    opts, email = model._meta, model.get_email_field_name()
    if "@" not in word or email == model.USERNAME_FIELD or not _has_field(model, email):
        return False
    return not operator.has_perm(f"{opts.app_label}.{get_permission_codename('view', opts)}")


def users(word: str) -> list[Any]:
    """Return the keys of the users whose name begins with a word, or whose e-mail address it is."""
    model = get_user_model()
    username, keys = model.USERNAME_FIELD, model._default_manager.values_list("pk", flat=True)
    found = list(keys.filter(**{f"{username}__startswith": word})[: MAX_USERS + 1])
    if len(found) > MAX_USERS or not found:
        found = list(keys.filter(**{f"{username}__in": {word, word.lower()}}))
    email = model.get_email_field_name()
    if "@" in word and email != username and _has_field(model, email):
        found += keys.filter(**{f"{email}__iexact": word})[:MAX_USERS]
    return found


def accounts(word: str) -> list[Any]:
    """Return the keys of the accounts of a Smartcar user id, and of the users that a word names."""
    owned = SmartcarUser.objects.filter(user_id__in=users(word)).values_list("pk", flat=True)
    # The ids are read first: an OR across a join would read all rows of both tables.
    found = SmartcarAccount.objects.filter(smartcar_user_id__in=[word, *owned])
    return list(found.values_list("pk", flat=True))


def vehicles(word: str) -> list[Any]:
    """Return the keys of the vehicles of a Smartcar vehicle id, and of the accounts that a word names."""
    which = Q(smartcar_vehicle_id=word) | Q(account_id__in=accounts(word))
    return list(ConnectedVehicle.objects.filter(which).values_list("pk", flat=True))


def make_and_model(word: str) -> Q:
    """Return a condition for the vehicles whose make or model contains a word."""
    names = ConnectedVehicle.objects.order_by().values_list("make", "model").distinct()
    word = word.lower()
    by_make = {make for make, _ in names if word in make.lower()}
    by_model = [(make, model) for make, model in names if word in model.lower()]
    makes, models = {make for make, _ in by_model}, {model for _, model in by_model}
    return Q(make__in=by_make) | Q(make__in=makes, model__in=models)


def signals_or_vehicles(word: str) -> tuple[list[str], list[Any]]:
    """Return the names of the signals that contain a word, and the keys of the vehicles that it names.

    Without either, the word is returned as a signal: it may be one that the catalogue does not have.
    """
    names, keys = [name for name in LABELS if word.lower() in name], vehicles(word)
    return (names if names or keys else [word]), keys


def _has_field(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
