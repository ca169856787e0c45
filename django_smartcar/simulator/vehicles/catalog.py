"""Catalogue of makes and models: powertrain, model years, battery (kWh), tank (litres), VIN prefix."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple


class Model(NamedTuple):
    """A vehicle model. `powertrain` is BEV, PHEV or ICE."""

    name: str
    powertrain: str
    first_year: int
    last_year: int
    battery_kwh: float = 0.0
    tank_litres: float = 0.0


class Make(NamedTuple):
    """A car maker. `wmi` is the start of its VINs (world manufacturer identifier)."""

    id: str
    name: str
    wmi: str
    models: tuple[Model, ...]


def _bev(name: str, first: int, last: int, battery: float) -> Model:
    return Model(name, "BEV", first, last, battery_kwh=battery)


def _phev(name: str, first: int, last: int, battery: float, tank: float) -> Model:
    return Model(name, "PHEV", first, last, battery_kwh=battery, tank_litres=tank)


def _ice(name: str, first: int, last: int, tank: float) -> Model:
    return Model(name, "ICE", first, last, tank_litres=tank)


def _normalize(name: str) -> str:
    """Normalize case and separators of a make's name."""
    return re.sub(r"[\s-]+", "_", unicodedata.normalize("NFC", name).strip()).upper()


_MAKES = (
    Make("ACURA", "Acura", "19U", (_bev("ZDX", 2024, 2025, 102), _ice("MDX", 2018, 2025, 70))),
    Make("AUDI", "Audi", "WAU", (_bev("Q4 e-tron", 2022, 2026, 82), _ice("A4", 2017, 2024, 54))),
    Make("BMW", "BMW", "WBA", (_bev("i4", 2022, 2026, 84), _phev("330e", 2019, 2025, 12, 40))),
    Make("BUICK", "Buick", "5GA", (_ice("Enclave", 2018, 2025, 83),)),
    Make("CADILLAC", "Cadillac", "1G6", (_bev("LYRIQ", 2023, 2026, 102), _ice("CT5", 2020, 2025, 66))),
    Make(
        "CHEVROLET",
        "Chevrolet",
        "1G1",
        (
            _phev("Volt", 2016, 2019, 18.4, 33.7),
            _bev("Bolt EV", 2017, 2023, 65),
            _ice("Malibu", 2016, 2024, 60),
        ),
    ),
    Make("CHRYSLER", "Chrysler", "2C4", (_phev("Pacifica Hybrid", 2018, 2025, 16, 62),)),
    Make("CITROEN", "Citroën", "VF7", (_bev("e-C4", 2021, 2025, 50), _ice("C3", 2017, 2024, 45))),
    Make("DODGE", "Dodge", "2C3", (_ice("Charger", 2018, 2023, 70),)),
    Make("FIAT", "Fiat", "ZFA", (_bev("500e", 2021, 2026, 42),)),
    Make("FORD", "Ford", "3FM", (_bev("Mustang Mach-E", 2021, 2026, 91), _ice("F-150", 2018, 2026, 87))),
    Make("GMC", "GMC", "1GT", (_bev("HUMMER EV", 2022, 2025, 205), _ice("Sierra", 2018, 2026, 91))),
    Make("HONDA", "Honda", "1HG", (_ice("Civic", 2019, 2026, 47),)),
    Make("HYUNDAI", "Hyundai", "KMH", (_bev("IONIQ 5", 2022, 2026, 84), _ice("Tucson", 2019, 2026, 54))),
    Make("INFINITI", "Infiniti", "JN1", (_ice("Q50", 2018, 2024, 76),)),
    Make("JAGUAR", "Jaguar", "SAD", (_bev("I-PACE", 2019, 2024, 90),)),
    Make("JEEP", "Jeep", "1C4", (_phev("Wrangler 4xe", 2021, 2025, 17.3, 65),)),
    Make("KIA", "Kia", "KND", (_bev("EV6", 2022, 2026, 77.4), _ice("Sorento", 2019, 2026, 67))),
    Make("LAND_ROVER", "Land Rover", "SAL", (_phev("Range Rover", 2022, 2026, 38.2, 71),)),
    Make("LEXUS", "Lexus", "JTH", (_ice("ES", 2019, 2025, 60),)),
    Make("LINCOLN", "Lincoln", "5LM", (_ice("Nautilus", 2019, 2025, 70),)),
    Make("MAZDA", "Mazda", "JM1", (_ice("CX-5", 2019, 2025, 56),)),
    Make(
        "MERCEDES_BENZ",
        "Mercedes-Benz",
        "WDD",
        (_bev("EQS", 2022, 2025, 107.8), _ice("C 300", 2017, 2025, 66)),
    ),
    Make("MINI", "MINI", "WMW", (_bev("Cooper SE", 2020, 2026, 54),)),
    Make("NISSAN", "Nissan", "1N4", (_bev("LEAF", 2018, 2025, 62), _ice("Rogue", 2018, 2026, 55))),
    Make("PEUGEOT", "Peugeot", "VF3", (_bev("e-208", 2020, 2026, 51), _ice("308", 2018, 2025, 53))),
    Make(
        "POLESTAR",
        "Polestar",
        "LPS",
        (_bev("Polestar 2", 2021, 2026, 82), _bev("Polestar 3", 2024, 2026, 111)),
    ),
    Make("PORSCHE", "Porsche", "WP0", (_bev("Taycan", 2020, 2026, 105),)),
    Make("RENAULT", "Renault", "VF1", (_bev("Megane E-Tech", 2022, 2026, 60), _ice("Clio", 2019, 2026, 42))),
    Make("RIVIAN", "Rivian", "7FC", (_bev("R1T", 2022, 2026, 135),)),
    Make("SUBARU", "Subaru", "4S4", (_ice("Outback", 2018, 2025, 70),)),
    Make(
        "TESLA",
        "Tesla",
        "5YJ",
        (_bev("Model 3", 2018, 2026, 82), _bev("Model Y", 2020, 2026, 82), _bev("Model S", 2014, 2026, 100)),
    ),
    Make(
        "TOYOTA",
        "Toyota",
        "JTD",
        (_phev("Prius Prime", 2017, 2026, 13.6, 40), _ice("Corolla", 2019, 2026, 50)),
    ),
    Make("VOLKSWAGEN", "Volkswagen", "WVW", (_bev("ID.4", 2021, 2026, 82), _ice("Golf", 2017, 2026, 50))),
    Make(
        "VOLVO", "Volvo", "YV1", (_bev("EX30", 2024, 2026, 69), _phev("XC60 Recharge", 2018, 2025, 18.8, 70))
    ),
)

MAKES: dict[str, Make] = {make.id: make for make in _MAKES}

#: Where Smartcar supports vehicles.
REGIONS = ("US", "CA", "EUROPE")
#: The makes that are supported in some regions only: an excerpt, like the models.
_REGIONS_BY_MAKE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("ACURA", "BUICK", "CADILLAC", "CHEVROLET", "CHRYSLER", "DODGE", "GMC"), ("US", "CA")),
    **dict.fromkeys(("HONDA", "INFINITI", "LEXUS", "LINCOLN", "RIVIAN", "SUBARU"), ("US", "CA")),
    **dict.fromkeys(("CITROEN", "FIAT", "PEUGEOT", "RENAULT"), ("EUROPE",)),
}

#: Prefixes of Smartcar's test VINs, which differ from those of the real makers.
_TEST_WMIS = {"0SCAUDI": "AUDI", "0SCGMC": "GMC", "0SCLR": "LAND_ROVER"}

_BY_NAME = {_normalize(name): make for make in _MAKES for name in (make.id, make.name)}


def find_make(name: str) -> Make | None:
    """Return the make with this id or name, ignoring case: ``tesla``, ``LAND_ROVER``, ``Citroën``."""
    return _BY_NAME.get(_normalize(name))


def regions(make: Make) -> tuple[str, ...]:
    """Return the regions in which vehicles of this make are supported."""
    return _REGIONS_BY_MAKE.get(make.id, REGIONS)


def make_of_vin(vin: str) -> Make | None:
    """Return the make of a VIN, by its prefix."""
    for prefix, make_id in _TEST_WMIS.items():
        if vin.startswith(prefix):
            return MAKES[make_id]
    return next((make for make in _MAKES if vin.startswith(make.wmi)), None)
