"""Keys in an HSM, reached by PKCS#11 in a process of its own (docs/adr/0017)."""
