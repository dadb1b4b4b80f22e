"""Blocks that arrive while earlier ones are stored."""

import asyncio
from collections.abc import AsyncGenerator

Blocks = AsyncGenerator[bytes, None]


async def ahead(blocks: Blocks) -> Blocks:
    """Yields the blocks; while one is in use, the next one is already on its way."""
    following = asyncio.ensure_future(anext(blocks, None))
    try:
        while (block := await following) is not None:
            following = asyncio.ensure_future(anext(blocks, None))
            yield block
    finally:
        following.cancel()
        await asyncio.wait({following})
