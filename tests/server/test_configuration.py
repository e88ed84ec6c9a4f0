"""What needs a restart stays as it was for everybody, whenever a worker starts."""

from pathlib import Path

from gateway.config.schema import Config
from gateway.core.clock import SystemClock
from gateway.server.configuration import ConfigSource, held, needs_restart
from tests.support.certificate import write_certificate
from tests.support.gateway import plain


async def _config(folder: Path, text: str) -> Config:
    path = folder / "gateway.yaml"
    path.write_text(text)
    return (await ConfigSource(path, {}, SystemClock()).read()).config


async def test_what_needs_a_restart_is_held_and_all_else_follows_the_file(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "api")
    first = await _config(tmp_path, plain("http://127.0.0.1:1"))
    changes = f"  workers: 2\n  tls: {{cert: {certificate}, key: {key}}}\n  drain: 7s"
    rest = "redis: redis://127.0.0.1:2\nstore: sqlite:///elsewhere.db"
    text = plain("http://127.0.0.1:2", server=changes, rest=rest).replace("127.0.0.1:0", "127.0.0.1:7001", 1)
    new = await _config(tmp_path, text.replace("ops-token-for-tests", "another-token-for-tests"))
    assert set(needs_restart(first, new)) == {"server.listen", "server.workers", "server.tls", "store", "redis"}
    kept = held(new, first)
    assert needs_restart(first, kept) == []
    assert kept.server.drain == 7
    assert kept.upstreams == new.upstreams
    assert kept.server.admin.tokens == new.server.admin.tokens
