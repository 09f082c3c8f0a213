"""Everything the pages of the worked solutions compute with: one module, one subject."""
