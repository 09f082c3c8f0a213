"""Exact densities and divergences, and measures of samples."""
