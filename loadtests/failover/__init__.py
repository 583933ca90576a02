"""`make failover`: two machines of the service, three of the database; one after the other goes.

The configurations of `deploy/` are run as they stand there; only names, ports and paths are changed
to this machine's. etcd, three Patroni nodes, HAProxy before the database and before two machines of
`acs serve` and `acs work`, TLS between all of them. While shops and cardholders pay, a machine of
the service is drained and started anew, the primary is switched over as planned, its PostgreSQL is
killed, its whole machine is killed. Each time the seconds without an answer are measured; at the
end the laws of `loadtests.chaos.laws` are counted.
"""
