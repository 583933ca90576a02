"""The staff command line: what a bank's counter does for a client, over the enrolment API.

A client of the API like any other, with the branch's service key: it opens no database, knows no
key of the service and shares no rule with it. What it says of a client is masked, as the API says
it; identification numbers, phones and card numbers are typed in or read, never options, since the
options of a process can be seen by everybody on the machine.
"""
