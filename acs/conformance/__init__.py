"""The conformance set: cases in files, run against any ACS over HTTP, judged by rule number.

Laws:
- A client and nothing else: it speaks to the ACS as a Directory Server and a browser do, and
  imports no other part of this project, so that a misreading on one side shows on the other.
- A case is files: ``facts.toml`` (title, rules, versions, channels, card), ``areq.json`` (what
  differs from a complete valid message), ``expect.json`` (what must be in the answer),
  ``rres.json`` and ``steps.json`` for what follows.
- Every message that comes is judged by ``laws`` too, whatever the case is about.
"""
