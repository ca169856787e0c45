"""Signals of the groups Climate and HVAC."""

from __future__ import annotations

from ..vehicles import climate
from .signal import Signal, temperature, value

_SCOPE = "read_climate"

CLIMATE = [
    Signal("Climate", "ExternalTemperature", "read_thermometer", temperature(climate.outside)),
    Signal("Climate", "InternalTemperature", "read_thermometer", temperature(climate.inside)),
    Signal("HVAC", "CabinTargetTemperature", _SCOPE, temperature(climate.target)),
    Signal("HVAC", "IsCabinHVACActive", _SCOPE, value(climate.is_on)),
    Signal("HVAC", "IsFrontDefrosterActive", _SCOPE, value(climate.is_front_defroster_on)),
    Signal("HVAC", "IsRearDefrosterActive", _SCOPE, value(climate.is_rear_defroster_on)),
    Signal("HVAC", "IsSteeringHeaterActive", _SCOPE, value(climate.is_steering_heater_on)),
]
