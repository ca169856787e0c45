"""The 93 signals of Smartcar's list (API reference v3, autumn of 2026)."""

_NAMES = {
    "charge": "amperage amperagemax amperagerequested chargelimits chargeportstatuscolor chargerate "
    "chargerecords chargerphases chargetimers chargingconnectortype detailedchargingstatus energyadded "
    "fastchargertype ischarging ischargingcableconnected ischargingcablelatched ischargingportflapopen "
    "isfastchargerpresent timetocomplete voltage wattage",
    "climate": "externaltemperature internaltemperature",
    "closure": "doors enginecover fronttrunk islocked reartrunk sunroof tailgate windows",
    "connectivitysoftware": "currentfirmwareversion",
    "connectivitystatus": "isasleep isdigitalkeypaired isonline",
    "diagnostics": "abs activesafety airbag brakefluid driverassistance dtccount dtclist emissions "
    "evbatteryconditioning evcharging evdriveunit evhvbattery lighting mil oillife oilpressure "
    "oiltemperature telematics tirepressure tirepressuremonitoring transmission washerfluid waterinfuel",
    "hvac": "cabintargettemperature iscabinhvacactive isfrontdefrosteractive isreardefrosteractive "
    "issteeringheateractive",
    "internalcombustionengine": "amountremaining fuellevel oillife range",
    "location": "isathome preciselocation",
    "lowvoltagebattery": "stateofcharge status",
    "motion": "currentspeed",
    "odometer": "traveleddistance",
    "service": "isinservice records",
    "surveillance": "brand isenabled",
    "tractionbattery": "isheateractive maxrangechargecounter nominalcapacity range stateofcharge",
    "transmission": "drivemode gearstate",
    "vehicleidentification": "exteriorcolor nickname packages trim vin",
    "vehicleuseraccount": "permissions role",
    "wheel": "style tires",
}
CODES = [f"{group}-{name}" for group, names in _NAMES.items() for name in names.split()]
