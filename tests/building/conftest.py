"""The small site, built once for a file of tests; each test has a copy of its own."""

from small_site import built as built
from small_site import site as site
