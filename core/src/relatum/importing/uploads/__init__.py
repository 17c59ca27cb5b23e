"""Files that people bring: looked at by their content, kept for a few days under names of ours."""
