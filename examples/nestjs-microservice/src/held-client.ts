import type { OnApplicationShutdown } from "@nestjs/common";
import { ClientNats } from "@nestjs/microservices";

/**
 * Nest's client asks itself whether it is connected before it emits or sends, and refuses while it is not: without a subscriber to the
 * Observable, `emit()` then loses the event without a word. Holdfast's connection takes both also while the server is away, so this client
 * asks it alone. `natsClient` is gone when the connection was closed for good.
 */
export class HeldClient extends ClientNats implements OnApplicationShutdown {
  override async connect(): Promise<unknown> {
    return this.natsClient ?? (await super.connect());
  }

  /** Sends what is held, and closes. */
  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}
