"""Where the site and its sources are on the web, as far as the environment says so.

Read the Docs sets variables for both (docs.readthedocs.com, "Environment variable reference");
any other host says where it serves the site in ``SITE_URL``. Where nothing is said nothing is guessed: then pages have
no canonical address, no sitemap and no link to edit them.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit


def site_url(environ: Mapping[str, str]) -> str:
    """Return the address of the site's root, with a slash at its end, or "" where it is not known.

    Raises ValueError where the address is none that a browser could open.
    """
    address = environ.get("SITE_URL") or environ.get("READTHEDOCS_CANONICAL_URL") or ""
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"SITE_URL must be like https://example.org/course/, it is {address!r}")
    return address.rstrip("/") + "/"


def root_path(environ: Mapping[str, str]) -> str:
    """Return the path below which the host serves the site, with slashes at both ends: "/" where it is not known."""
    return urlsplit(site_url(environ)).path or "/"


def edit_url(environ: Mapping[str, str]) -> str:
    """Return the address at which a source file can be edited, with ``{path}`` in it, or "" where there is none.

    Only a branch can be edited: not a tag, and not a pull request, whose identifier is a number.
    """
    clone, branch = (environ.get(f"READTHEDOCS_GIT_{name}", "") for name in ("CLONE_URL", "IDENTIFIER"))
    match = re.fullmatch(r"(?:https?://|ssh://)?(?:[^@/]+@)?([\w.-]+)(?::\d+)?[:/](.+?)(?:\.git)?/?", clone)
    if not match or not branch or environ.get("READTHEDOCS_VERSION_TYPE", "branch") != "branch":
        return ""
    host, project = match[1].lower(), match[2]
    for name, way in (("github", "edit"), ("gitlab", "-/edit")):
        if name in host.split("."):
            return f"https://{host}/{quote(project)}/{way}/{quote(branch)}/{{path}}"
    return ""
