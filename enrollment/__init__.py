"""Whose card is protected, and how: the issuer's side."""
