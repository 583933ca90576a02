"""The way to the phone: gateways, which one next, and the outbox of messages."""
