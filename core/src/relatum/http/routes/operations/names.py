"""What the routes of this room share: the permissions they ask for, and their tag."""

from __future__ import annotations

READ = "core.operations.read"
WRITE = "core.operations.write"
TAGS = ["operations"]
