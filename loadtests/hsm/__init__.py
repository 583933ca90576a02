"""A SoftHSM2 token for tests and for `make chaos`, and a module over it that misbehaves."""
