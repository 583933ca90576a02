"""How the service behaves from outside: the payment network in small, and load."""
