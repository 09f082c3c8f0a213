"""A client that is ready as soon as its kernel is: Jupyter's own first waits for a fifth of a second of silence."""

from __future__ import annotations

import contextlib
import queue
import time
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient

ANSWER = 1.0  # seconds to wait for an answer before it is asked again; the first questions may come too early
MILLISECONDS = 5  # until a socket looks again whether the kernel has opened its own


class PromptClient(AsyncKernelClient):
    """Asks the kernel who it is, and is ready when both the answer and the news that it idles again have come."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, MILLISECONDS)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel is ready. Raises RuntimeError where it has died, or takes longer than ``timeout``."""
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            asked = self.kernel_info()
            with contextlib.suppress(queue.Empty):
                self._handle_kernel_info_reply(await self._answer(asked))
                return
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout:.0f} seconds")

    async def _answer(self, asked: str) -> dict[str, Any]:
        """The answer to this question, when all that the kernel tells about it has come, too. Raises queue.Empty."""
        while (reply := await self.get_shell_msg(timeout=ANSWER))["parent_header"].get("msg_id") != asked:
            pass
        while True:
            news = await self.get_iopub_msg(timeout=ANSWER)
            if news["parent_header"].get("msg_id") == asked and news["content"].get("execution_state") == "idle":
                return dict(reply)
