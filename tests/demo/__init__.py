"""The demo as a newcomer runs it: separate processes, a real browser, kills and restarts."""
