"""What core itself lets an import write to: customers, their links, and interactions."""
