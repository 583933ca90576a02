-- Device data is read together with the standing of the card; by itself nobody asks for it any more.
DROP FUNCTION acs.device_data_of(uuid[], timestamptz);
