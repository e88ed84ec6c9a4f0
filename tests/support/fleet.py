"""Several gateways in one child process on uvloop, as in production; ended with the block."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHILD = """
import asyncio, json, sys
from contextlib import AsyncExitStack
from pathlib import Path
import uvloop
from gateway.server.gateway import Gateway

async def main():
    async with AsyncExitStack() as stack:
        gateways = [Gateway(Path(path), environ={}) for path in sys.argv[1:]]
        for gateway in gateways:
            await gateway.start()
            stack.push_async_callback(gateway.stop)
        print(json.dumps([gateway.public_port for gateway in gateways]), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

uvloop.run(main())
"""


@asynccontextmanager
async def fleet(folder: Path, configurations: Sequence[str]) -> AsyncIterator[list[int]]:
    """Run one gateway a configuration and yield their public ports; what they log is in `folder/fleet.log`."""
    paths = []
    for number, text in enumerate(configurations):
        paths.append(folder / f"gateway-{number}.yaml")
        paths[-1].write_text(text)
    log = folder / "fleet.log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-W", "error", "-c", CHILD, *map(str, paths)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            cwd=ROOT,
        )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(30):
            line = await child.stdout.readline()
        assert line, f"the gateways did not start:\n{log.read_text()}"
        yield json.loads(line)
    finally:
        await _end(child)


async def _end(child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        async with asyncio.timeout(5):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
