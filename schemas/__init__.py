"""What things look like: shapes on the wire, shapes at rest."""
