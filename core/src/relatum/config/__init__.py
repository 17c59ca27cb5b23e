"""Settings of one Relatum installation: what they are, how they are read and edited."""
