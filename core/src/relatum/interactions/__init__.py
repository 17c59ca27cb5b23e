"""Interactions: the one append-only stream of what happened between customers and the business."""
