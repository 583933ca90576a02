"""What happens without a caller: results, messages, timers, housekeeping."""
