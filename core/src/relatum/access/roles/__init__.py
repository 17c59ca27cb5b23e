"""What somebody may do: roles, their permissions, teams and who is in them."""
