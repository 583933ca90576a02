"""The 3-D Secure protocol: decision, challenge, results."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("threeds-acs")
except PackageNotFoundError:  # run from a folder that was never installed
    VERSION = "0"
