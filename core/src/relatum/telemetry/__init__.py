"""What a process tells about itself: what it is, its log, its figures, its traces."""
