"""What readers type, behind the pages of which one must come first: short names, several where several are right.

tests/browser/test_search.py asks them of the built site. ASKED is closed: a new query goes into MORE.
"""

PAGES = {
    "1": "sheet-2/1-vae.html",
    "1a": "sheet-2/1a-sampling.html",
    "1b": "sheet-2/1b-latent-space.html",
    "1c": "sheet-2/1c-constant-encoder.html",
    "1d": "sheet-2/1d-blur.html",
    "2": "sheet-2/2-gan.html",
    "2a": "sheet-2/2a-no-overlap.html",
    "2b": "sheet-2/2b-identical.html",
    "3": "sheet-2/3-gan-training.html",
    "3a": "sheet-2/3a-mode-collapse.html",
    "3b": "sheet-2/3b-why-collapse.html",
    "3c": "sheet-2/3c-packing.html",
    "chase": "sheet-2/chase-and-divergences.html",
    "code": "sheet-2/losses-in-code.html",
    "log": "sheet-2/training-log.html",
    "index": "index.html",
    "notation": "notation.html",
    "results": "results.html",
    "literature": "literature.html",
    "making-of": "making-of.html",
    "api": "api/index.html",
}


def listed(groups: dict[str, str]) -> dict[str, str]:
    """Each query, and its pages."""
    return {query: names for names, queries in groups.items() for query in queries.split(", ")}


# those that the site was asked for
ASKED = listed(
    {
        "3a": "mode collapse definition",
        "3b": "why does the generator collapse",
        "3c": "minibatch discrimination, pacgan",
        "1d": "blurry images, why blury",
        "1b": "kl regularization latent",
        "1c": "posterior collapse",
        "1a": "autoencoder sampling",
        "2a": "no overlap loss, vanishing gradients, non-saturating loss",
        "2b": "log 2, nash equilibrium, memorisation, memorization, question 2b, 2 (b)",
        "2a 2b": "jensen shannon",
        "1 1b": "elbo",
    }
)
# more of this kind, written down before the ranking was
MORE = listed(
    {
        "2a": "disjoint supports, perfect discriminator, saturating loss, wasserstein, W1, earth mover "
        "distance, instance noise, generator gets no gradient, equation 2a.3, verteilungen überlappen "
        "nicht, marking scheme 2a, vanshing gradeint, wasserstien",
        "2 2a 2b": "D*, optimal discriminator, optimaler diskriminator",
        "1 1b 2a notation": "KL(q||p)",
        "notation 2 2a 2b": "p_gen",
        "2b": "coin toss, global optimum gan, memorised training images, overfitting, ln 2, 2 log 2, identical "
        "distributions, 2b-equal-loss-d",
        "1a": "fid, 1a, why can't an autoencoder generate images",
        "3a": "precision recall, mode dropping, missing modes, birthday paradox, modenkollaps",
        "3c": "spectral norm, wgan-gp, r1 penalty, unrolled gan, minibatch standard deviation, aufgabe 3c",
        "1 1b 1c": "beta vae, reparameterization trick",
        "1c": "water filling, constant encoder, rate distortion, decoder ignores z",
        "1a 1c": "pca",
        "chase": "dirac gan",
        "3 3b 3c": "two time scale",
        "3b chase": "cycling",
        "3b": "discriminator lags",
        "1d": "unscharfe bilder, mse blurry, power spectrum",
        "1": "exercise 1, evidence lower bound, variational autoencoder",
        "1a 1b": "holes in latent space",
        "1 1b": "aggregate posterior",
        "3 3a": "effective number of modes",
        "2 3": "minimax",
        "2a 2b": "jensen shanon divergance",
        "1 1b 2a 2b notation": "kullback leibler",
        "notation": "notation",
        "literature": "references",
        "api": "losses_at_optimum",
        "making-of": "licence",
        "results": "all checks",
        "index": "how to install",
        "3 3b": "best response",
    }
)
QUERIES = ASKED | MORE


def right(query: str, url: str) -> bool:
    """Whether a result's address is one of the pages expected."""
    return url.partition("#")[0].partition("?")[0] in {PAGES[name] for name in QUERIES[query].split()}
