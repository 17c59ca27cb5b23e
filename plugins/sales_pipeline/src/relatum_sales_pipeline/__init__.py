"""Sales pipeline for Relatum: leads, deals, stages, products, forecast."""
