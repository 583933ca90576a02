"""The 3-D Secure protocol: decision, challenge, results."""
