"""Settings from the environment (prefix ``LEVER_``) or a ``.env`` file; each has a default that works
offline.
"""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from backends.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds ``app.py``."""


class Settings(BaseSettings):
    """Every setting, with its meaning. ``trust_remote_code`` is not one of them: it is always off."""

    model_config = SettingsConfigDict(
        env_prefix="LEVER_", env_file=".env", extra="ignore", protected_namespaces=()
    )

    model: str = Field(str(ROOT / "backends" / "pocket" / "weights"), description="a folder or a hub id")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    dtype: str = Field("auto", description="auto, float32, bfloat16 or float16")
    threads: int = Field(0, ge=0, description="CPU threads; 0: one for small models, else all cores")
    engine_url: str = Field("", description="an OpenAI-style server that answers; empty: this machine does")
    engine_key: SecretStr = Field(SecretStr(""), description="the key of that server, where it wants one")
    database_url: str = Field("", description="SQLAlchemy URL; empty takes lever.db in the data folder")
    embedding_model: str = Field(
        "", description="a sentence-transformers folder; empty takes the packaged MiniLM"
    )
    chroma_url: str = Field("", description="a Chroma server; empty keeps the index in the data folder")
    data_dir: Path = Field(ROOT / ".lever", description="where the store and the index live")
    scenarios_dir: Path = Field(ROOT / "scenarios", description="where the scenario folders live")
    price_gpu_hour: float | None = Field(None, ge=0, description="what an hour of this machine costs")
    max_upload_mb: int = Field(20, ge=1, le=2_000, description="the largest file that can be uploaded, in MB")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once; ``settings.cache_clear()`` reads them again.

    Raises:
        BadInput: a setting has a value that it can't have; the sentence names the first one.
    """
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = f"LEVER_{'_'.join(map(str, first['loc'])).upper()}"
        raise BadInput(f"The setting {name} can't be used: {first['msg']}.") from error
