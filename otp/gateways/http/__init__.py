"""Providers with an HTTP interface, each described by configuration alone."""
