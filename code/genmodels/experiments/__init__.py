"""Experiments too long for a build: what they do, what came out, and how a build checks that it still does."""
