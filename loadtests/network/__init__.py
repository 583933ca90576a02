"""The payment network in small: shop, 3DS Server, Directory Server and phone in one process.

It is the outside world of the Access Control Server, for the demo, for story tests and for load.

Laws
    It speaks to the Access Control Server over sockets alone and shares no line of code with it:
    whatever both sides agree on, they agree on because two programs say so.
    It outlives the Access Control Server's processes and survives any answer they give.
    What a shop and a phone know (card numbers, codes) stays in memory and in its state folder.
"""
