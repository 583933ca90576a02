"""`make bench`: what an authentication costs, measured beside a bare HTTP server."""
