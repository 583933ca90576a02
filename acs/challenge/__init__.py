"""The cardholder's dialogue: pure, from an event to the next state and the next screen."""
