"""SMPP 3.4: what mobile networks speak. `gateway` is its front."""
