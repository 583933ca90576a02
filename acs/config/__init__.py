"""How a deployment is told apart: ``acs.toml`` and the environment, read once at the start.

Laws:
- Every setting has a default or is asked for by name; an unknown name, wherever it stands, refuses
  to start, for a misspelt limit would silently be no limit.
- The environment wins over the file: ``ACS_<SECTION>__<NAME>``, lists and tables as JSON.
- A secret stands in a file of its own and the setting names that file.
- What the issuer decides per card range is not here but in tables that change at run time; what the
  specification fixes is code.
"""

from acs.config.listen import Listen
from acs.config.settings import Settings
from acs.config.source import CONFIG_VARIABLE, ConfigError, read

__all__ = ["CONFIG_VARIABLE", "ConfigError", "Listen", "Settings", "read"]
