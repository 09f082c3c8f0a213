"""What the pages need of the site: checked numbers, figures, seeds."""
