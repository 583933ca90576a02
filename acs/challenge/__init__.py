"""The dialogue with the cardholder: events in, state and effects out; pure."""
