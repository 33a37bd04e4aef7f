"""Classes that have an order."""
