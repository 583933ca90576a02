"""The card portal: web pages on which a client of the bank looks after the own cards.

A page asks the flows of ``enrollment.flows`` in the same process and in one transaction; it owns
no data and reads no table. Pages work without script; every change is a form, answered by a
redirect to a page that shows what is true now.
"""
