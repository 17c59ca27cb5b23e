"""Pages for people: rendered on the server, in Vietnamese and English."""
