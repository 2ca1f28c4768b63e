-- What was said in an attempt that has failed for somebody, in JSON. It is read only where attempts are shown.
ALTER TABLE attempts ADD COLUMN conversation TEXT;
ALTER TABLE summaries ADD COLUMN conversation TEXT;
