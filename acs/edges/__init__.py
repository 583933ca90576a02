"""HTTP in, HTTP out, nothing else: parse, call one flow, render."""
