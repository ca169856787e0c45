"""Values, units and times as texts, in which the tests compare what a car has with what arrives."""

from datetime import datetime

from django_smartcar.secret_types import Secret


def text(value, unit=""):
    """Return a value with its unit as a text: ``258 kPa``."""
    if value is None:
        return "no value"
    if isinstance(value, Secret):
        value = value.reveal()
    if isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, float):
        value = round(value, 4)
        value = int(value) if value.is_integer() else value
    if isinstance(value, dict):
        value = ", ".join(f"{name} {text(part)}" for name, part in sorted(value.items()))
    if isinstance(value, list):
        value = _text_of_list(value)
    return f"{value} {unit or ''}".strip()


def _text_of_list(values):
    first = values[0] if values and isinstance(values[0], dict) else {}
    if "tirePressure" in first:
        tires = sorted(values, key=lambda tire: (tire["row"], tire["column"]))
        return ", ".join(text(tire["tirePressure"]) for tire in tires)
    if first.keys() == {"type", "status"}:
        return ", ".join(f"{item['type']} {item['status']}" for item in values)
    return "; ".join(map(text, values)) or "none"


def time(moment):
    """Return a time as a text, or "no time"."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "no time"


def of_state(state):
    """Return the text of a stored signal: its value with its unit, or why there is none."""
    if state.is_ok:
        return of_stored(state.value, state.unit)
    error = f" {state.error_type}:{state.error_code}" if state.error_type else ""
    return f"{state.status}{error}"


def of_stored(value, unit):
    """Return the text of a stored value; of an object with a main part, that of the part."""
    if isinstance(value, dict):
        value = next((value[name] for name in ("capacity", "activeLimit", "values") if name in value), value)
    return text(value, unit)
