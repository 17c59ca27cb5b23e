"""Record linkage: which records are about one person. Columns in, decided pairs out."""
