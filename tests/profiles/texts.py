"""Values, units and times as texts, in which the tests compare what a car has with what arrives."""

from datetime import datetime

from django_smartcar.secret_types import Vin


def text(value, unit=""):
    """Return a value with its unit as a text: ``258 kPa``."""
    if value is None:
        return "no value"
    if isinstance(value, Vin):
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


def of_signal(signal):
    """Return the text of a signal as the SDK returns it: its value with its unit, or its error."""
    if signal["status"] != "SUCCESS":
        return f"{signal['error']['type']}:{signal['error']['code']}"
    return text(signal["value"], signal["unit"])
