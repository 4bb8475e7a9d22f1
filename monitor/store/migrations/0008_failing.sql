-- When the present run of failed probes began, so that a restart in its midst blames nobody else.
-- NULL: nothing fails, or it began under a version that did not keep this.
ALTER TABLE targets ADD COLUMN failed_from INTEGER;
