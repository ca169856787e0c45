"""Signals of the groups Diagnostics and Service."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..store.models import Car
from ..vehicles import systems
from ..vehicles.systems import System
from ..vehicles.v2_readings import Units, service_visits
from .signal import Body, Signal, quantity, value, values

_SCOPE = "read_diagnostics"
#: The records reach as far back as those of v2 without dates.
_YEAR = timedelta(days=365)


def _system(system: System) -> Signal:
    def read(car: Car, units: Units) -> Body:
        return {**systems.status(car, system)}

    return Signal("Diagnostics", system.name, _SCOPE, read, system.needs)


def _records(car: Car, units: Units) -> Body:
    return {
        "values": [
            {
                "id": str(visit["serviceId"]),
                "cost": {"amount": None, "currency": None},
                "time": visit["serviceDate"],
                "tasks": [
                    {"id": task["taskId"], "description": task["taskDescription"]}
                    for task in visit["serviceTasks"]
                ],
                "details": [
                    {"id": str(number), "description": f"{detail['type']}: {detail['value']}"}
                    for number, detail in enumerate(visit["serviceDetails"], 1)
                ],
                "odometer": units.distance(visit["odometerDistance"]),
            }
            for visit in service_visits(car)
            if timedelta(0) <= car.recorded_at - datetime.fromisoformat(visit["serviceDate"]) <= _YEAR
        ]
    }


DIAGNOSTICS = [
    *map(_system, systems.SYSTEMS),
    Signal("Diagnostics", "DTCCount", _SCOPE, quantity("count", lambda car: len(car.trouble_codes))),
    Signal("Diagnostics", "DTCList", _SCOPE, values(lambda car: car.trouble_codes)),
    Signal("Service", "IsInService", "read_service_history", value(lambda car: False)),
    Signal("Service", "Records", "read_service_history", _records),
]
