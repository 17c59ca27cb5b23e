"""Analytics for Relatum: the measures of relations with customers."""
