"""Variational autoencoders: of images, linear, convolutional, and of Markov chains."""
