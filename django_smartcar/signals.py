"""The signals of the app.

All but `webhook_received` are sent with ``send_robust`` after the change is committed: an exception of a
receiver is logged and has no other effect.
"""

from django.dispatch import Signal

#: A driver has connected or reconnected. Arguments: ``account`` (SmartcarAccount), ``vehicles`` (the
#: ConnectedVehicle rows that this connection covers).
account_connected = Signal()

#: A callback from Connect was refused; nothing is stored. Arguments: ``user`` (the logged-in user or an
#: AnonymousUser), ``reason`` (a word or a sentence, for operators).
connection_refused = Signal()

#: Smartcar no longer accepts an account's refresh token: its driver must reconnect. Sent once, until they do.
#: Arguments: ``account`` (SmartcarAccount).
reconnect_required = Signal()

#: A vehicle is no longer connected. Arguments: ``vehicle`` (ConnectedVehicle), ``actor`` (a user or None).
vehicle_disconnected = Signal()

#: A command has succeeded or failed, or its outcome is unknown; sent again once a reading resolves that.
#: Arguments: ``command`` (VehicleCommand).
command_finished = Signal()

#: A webhook event was saved for a vehicle. Arguments: ``vehicle`` (ConnectedVehicle), ``event``
#: (WebhookEvent) and ``update`` (`sdk.webhooks.VehicleUpdate`: ``signals``, ``problems``, ``triggers``).
#: Each receiver is called in a transaction of its own, together with the record that it was called: what it
#: writes to this database is written once. One that raises is called again later, alone.
webhook_received = Signal()
