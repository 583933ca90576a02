-- On its own, since it reads the whole table: nobody who pays waits for it.
ALTER TABLE enrollment.usage VALIDATE CONSTRAINT usage_within_bounds;
