"""The colours of the site, one per role, for light and for dark pages.

A figure is drawn once, in the light colours; the site turns each of them into a CSS variable, so that the same figure
follows the theme. Roles keep their colour on every page: data is always blue, the generator always orange. Luminances
differ, so that roles stay apart in grey.
"""

# role: (on a light page, on a dark page); every light value is unique, because the site finds roles by it
PALETTE: dict[str, tuple[str, str]] = {
    "ink": ("#1b1f24", "#e6e9ed"),
    "muted": ("#5f6771", "#a4adb8"),
    "grid": ("#d9dde2", "#3a4048"),
    "paper": ("#fefefe", "#14181e"),
    "data": ("#0b63a8", "#6cb8f5"),
    "generator": ("#c2410c", "#ff9d5c"),
    "discriminator": ("#0f766e", "#4fd1bd"),
    "prior": ("#6b4f9e", "#c0a6f5"),
    "posterior": ("#b0256e", "#f58fc0"),
    "highlight": ("#8a6100", "#f2c14e"),
}


def colour(role: str) -> str:
    """Return the light-page colour of a role such as ``"data"``. Raises ValueError on an unknown role."""
    if role not in PALETTE:
        raise ValueError(f"role: {role!r} is none of {', '.join(PALETTE)}")
    return PALETTE[role][0]


def stylesheet() -> str:
    """Return the CSS that gives every role its variable ``--fig-<role>`` in both themes."""
    light = "".join(f"--fig-{role}:{values[0]};" for role, values in PALETTE.items())
    dark = "".join(f"--fig-{role}:{values[1]};" for role, values in PALETTE.items())
    return f"html{{{light}}}\nhtml[data-theme=dark]{{{dark}}}\n@media print{{html[data-theme=dark]{{{light}}}}}\n"
