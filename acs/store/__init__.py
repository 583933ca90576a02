"""PostgreSQL: the only memory of the service, and the only place with SQL of this package."""
