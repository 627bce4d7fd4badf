import type { HoldfastConnection } from "holdfast";

/** Writes a line a second for whoever watches this process: is there a connection, what is held, what became of the rest. */
export function startHealth(nc: HoldfastConnection, more: () => string): { stop(): void } {
  const timer = setInterval(() => {
    const { usable, held, oldestAge } = nc.outbound;
    const { confirmed, inDoubt, dropped, expired } = nc.outbound.counts();
    const lost = inDoubt + dropped + expired;
    const holding = held.messages === 0 ? "" : `, holding ${held.messages} for ${Math.round(oldestAge)} ms`;
    console.log(
      `health: ${usable ? "connected" : "waiting for the server"}${holding}, confirmed ${confirmed}, not sent ${lost}, ${more()}`,
    );
  }, 1_000);
  // Alone it is no reason to stay alive.
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
