"""Generative adversarial networks: losses, training, settings, and small games that can be solved."""
