"""What happens to cars, for the project's own receivers.

Every signal but `webhook_received` is sent after the change is committed, with ``send_robust``: a receiver
that raises is logged and stops nothing.
"""

from django.dispatch import Signal

#: A driver has connected, or connected again. Arguments: ``account`` (SmartcarAccount), ``vehicles`` (the
#: ConnectedVehicle rows that this connection covers).
account_connected = Signal()

#: Somebody came back from Connect and was refused; nothing is stored. Arguments: ``user`` (who is logged in,
#: or an AnonymousUser), ``reason`` (a word or a sentence, for operators).
connection_refused = Signal()

#: Smartcar no longer accepts an account's refresh token: its driver has to connect again. Sent once, until
#: they have. Arguments: ``account`` (SmartcarAccount).
reconnect_required = Signal()

#: A vehicle is no longer connected. Arguments: ``vehicle`` (ConnectedVehicle), ``actor`` (a user or None).
vehicle_disconnected = Signal()

#: A command has ended, well or badly. Arguments: ``command`` (VehicleCommand).
command_finished = Signal()

#: A webhook event was saved for a vehicle. Arguments: ``vehicle`` (ConnectedVehicle), ``event``
#: (WebhookEvent) and ``update`` (`sdk.webhooks.VehicleUpdate`: ``signals``, ``problems``, ``triggers``).
#: Each receiver is called in a transaction of its own, together with the record that it was called: what it
#: writes to this database is written once. One that raises is called again later, alone.
webhook_received = Signal()
