"""How the site is made: CONTRIBUTING.md, "Changing how the site is made", tells how a page becomes HTML, in ten."""
