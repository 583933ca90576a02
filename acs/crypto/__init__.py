"""Authentication values, electronic commerce indicators and form tokens."""
