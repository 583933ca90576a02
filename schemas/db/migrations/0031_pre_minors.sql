-- Clients of 13 to 17 years get 3-D Secure only where the bank says that they may.
ALTER TABLE enrollment.person ADD COLUMN minor_allowed boolean NOT NULL DEFAULT false;
