import { connect as connectNatsJs } from "@nats-io/transport-node";
import { connect as connectHoldfast, type HoldfastConnection } from "holdfast";

/** What a publishing side does with either client. */
export interface PublishClient {
  publish(subject: string, payload: Uint8Array): void;
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Throws unless everything published was confirmed and adds up; the official client cannot tell. */
  check(published: number): void;
  /** The window in bytes; `null` where there is none. */
  window(): number | null;
}

/** A side's client by name; a name may carry a remark behind a space (the A/A control). */
export async function publishClient(name: string, url: string): Promise<PublishClient> {
  if (name.startsWith("holdfast")) return holdfast(await connectHoldfast({ servers: url }));
  const nc = await connectNatsJs({ servers: url });
  return {
    publish: (subject, payload) => nc.publish(subject, payload),
    flush: () => nc.flush(),
    close: () => nc.close(),
    check: () => {},
    window: () => null,
  };
}

function holdfast(nc: HoldfastConnection): PublishClient {
  return {
    publish: (subject, payload) => {
      nc.publish(subject, payload);
    },
    flush: () => nc.flush(),
    close: () => nc.close(),
    check: (published) => {
      const { accepted, confirmed } = nc.outbound.counts();
      if (accepted !== published || confirmed !== published) {
        throw new Error(`published ${published}, but counts() says accepted ${accepted}, confirmed ${confirmed}`);
      }
    },
    window: () => nc.outbound.window,
  };
}
