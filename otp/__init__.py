"""One-time codes and the way to the phone."""
