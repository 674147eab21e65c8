"""Python imports this module at its start where its folder is on PYTHONPATH: jitter.py says what for."""

import jitter

jitter.install()
