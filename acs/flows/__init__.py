"""Use cases: gather under lock, decide, commit, then act. Here alone pure meets impure."""
