"""The scopes (permissions) that an owner can grant, with the texts of the approval page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SCOPES = {
    "read_alerts": _("See alerts from your car"),
    "read_battery": _("See the charge and range of your electric car's battery"),
    "read_charge": _("See whether your car is charging and its charge limit"),
    "read_charge_events": _("Get notified when your car starts and stops charging"),
    "read_charge_locations": _("See where your car was charged and its settings there"),
    "read_charge_records": _("See your charging sessions and their bills"),
    "read_climate": _("See the climate settings of your car"),
    "read_compass": _("See which way your car is facing"),
    "read_diagnostics": _("See the state of your car's systems and its trouble codes"),
    "read_engine_oil": _("See how much life the engine oil has left"),
    "read_extended_vehicle_info": _("See your car's trim, color and equipment"),
    "read_fuel": _("See how much fuel is in the tank"),
    "read_location": _("See where your car is"),
    "read_odometer": _("See how far your car has been driven"),
    "read_security": _("See whether doors, windows and trunk are locked and closed"),
    "read_service_history": _("See the service records of your car"),
    "read_speedometer": _("See how fast your car is going"),
    "read_thermometer": _("See the temperature inside and outside your car"),
    "read_tires": _("See the pressure of your tires"),
    "read_user_profile": _("See your profile at your car's brand"),
    "read_vehicle_info": _("See your car's make, model and year"),
    "read_vin": _("See your car's identification number (VIN)"),
    "control_charge": _("Start and stop charging and set the charge limit"),
    "control_climate": _("Change the climate settings of your car"),
    "control_navigation": _("Send a destination to your car"),
    "control_pin": _("Set or clear the PIN needed to drive"),
    "control_security": _("Lock and unlock your car"),
    "control_trunk": _("Open the trunk and the front trunk"),
}

#: Scopes requested when the Connect URL names none: "Vehicle Access" in Smartcar's dashboard.
VEHICLE_ACCESS = (
    "read_vehicle_info",
    "read_vin",
    "read_odometer",
    "read_location",
    "read_fuel",
    "read_battery",
    "read_charge",
    "read_engine_oil",
    "read_tires",
    "read_security",
    "control_security",
    "control_charge",
)
