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
#: All receivers of an event run in one transaction with the mark that the event is processed: what they write
#: to this database is written once. If one raises, all of it is rolled back, and all are called again later.
#: Other events may share the transaction: pass ``robust=True`` to ``transaction.on_commit``.
webhook_received = Signal()
