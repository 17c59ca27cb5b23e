"""Rules: typed data and pure functions over batches of customers. No I/O."""
