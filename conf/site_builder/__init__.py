"""How the site is made: the README, "Changing how the site is made", tells how a page becomes HTML, in ten lines."""
