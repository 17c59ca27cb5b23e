"""Background work: what is due runs here, in process, until the job engine comes."""
