"""Figures about deals: what was sold, what may be sold, how deals go and why they end."""

from relatum_sales_pipeline.reports.declared import REPORTS

__all__ = ["REPORTS"]
