"""The colours of the site, one per role, for light and for dark pages.

A figure is drawn once, in the light colours; the site turns each of them into a CSS variable, so that the same figure
follows the theme. Roles keep their colour on every page. Luminances differ by two steps of L* or more, so that roles
stay apart in grey; a test holds it.
"""

# role: (on a light page, on a dark page); every light value is unique, because the site finds roles by it
PALETTE: dict[str, tuple[str, str]] = {
    "ink": ("#1b1f24", "#e6e9ed"),
    "muted": ("#59606a", "#9ea7b1"),
    "grid": ("#d9dde2", "#3a4048"),
    "paper": ("#fefefe", "#14181e"),
    "data": ("#0a5c9c", "#74baf3"),
    "generator": ("#cb460f", "#ffa56b"),
    "discriminator": ("#0e726a", "#62d3c1"),
    "prior": ("#594184", "#b9a0ec"),
    "posterior": ("#9b1f60", "#df82af"),
    "highlight": ("#906500", "#f2c357"),
}


def colour(role: str) -> str:
    """Return the light-page colour of a role such as ``"data"``."""
    if role not in PALETTE:
        raise ValueError(f"role: {role!r} is none of {', '.join(PALETTE)}")
    return PALETTE[role][0]


def stylesheet() -> str:
    """Return the CSS that gives every role its variable ``--fig-<role>`` in both themes."""
    light = "".join(f"--fig-{role}:{values[0]};" for role, values in PALETTE.items())
    dark = "".join(f"--fig-{role}:{values[1]};" for role, values in PALETTE.items())
    return f"html{{{light}}}\nhtml[data-theme=dark]{{{dark}}}\n@media print{{html[data-theme=dark]{{{light}}}}}\n"
