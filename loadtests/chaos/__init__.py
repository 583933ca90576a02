"""`make chaos`: the whole service as real processes, broken in every way, and the laws after it.

Two workers of `acs serve` and an `acs work` run on a PostgreSQL of their own. Between each pair of
parties stands a proxy that can cut, hold or delay. The Directory Server and the text message
gateway are ours and keep a ledger; shops and cardholders are ours and remember what they were told.
While they pay, a plan made from a seed kills and disturbs. Then everything is healed, the service
comes to rest, and the laws of `laws.py` are counted from the ledgers and the database.
"""
