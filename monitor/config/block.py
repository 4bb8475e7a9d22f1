"""What every block of a config is made of."""

from __future__ import annotations

import os
from typing import Self, cast

from pydantic import BaseModel, ConfigDict

# A plugin of pydantic's, from whatever package is installed beside us, would see every value of
# the config, secrets too; and to look for one takes as long as reading the config.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"


class Block(BaseModel):
    """A mapping whose keys are all known."""

    # Most commands see few of these: what is not used is not built.
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    @classmethod
    def absent(cls) -> Self:
        """A block that is not there: None for every key. For that nothing need be built."""
        return cast("Self", cls.model_construct())
