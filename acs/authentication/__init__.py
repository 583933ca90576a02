"""From an AReq and the facts to an outcome: pure, without clock, chance, network or log."""
