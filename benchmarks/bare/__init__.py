"""The least that a webhook can do: store a row."""
