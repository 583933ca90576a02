"""Edge to edge: real HTTP, real PostgreSQL, HTML parsed and its forms submitted."""
