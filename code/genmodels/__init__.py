"""Everything the pages of the worked solutions compute with: one module, one subject.

For students: `vae` and `gan` hold the models and their training, `data` what they are trained on, `measures` what is
computed of their results. `site` serves the pages alone (claims, figures, seeds).
All functions check their arguments and raise ValueError naming the argument.
"""
