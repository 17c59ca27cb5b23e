"""The figures that core itself knows."""
