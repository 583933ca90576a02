"""Use cases: gather under lock, decide, commit, then act. The only place where pure meets impure."""
