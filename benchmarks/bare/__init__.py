"""A minimal webhook receiver for comparison: it stores one row."""
