import type { FaultProxy } from "holdfast/testing";
import type { FaultKind } from "./options.ts";

/** A fault of the link between one client and the server. */
export interface Fault {
  /** For people: what happens to the connection and to new ones. */
  readonly explanation: string;
  /** Begins the fault. Everything that the client can notice has begun when the call returns; resolves when both ends were told. */
  begin(proxy: FaultProxy): Promise<void>;
  /** The link works again. */
  end(proxy: FaultProxy): Promise<void>;
}

/** Every value of `--fault`. */
export const faults: Readonly<Record<FaultKind, Fault>> = {
  rst: {
    explanation: "RST, and new connections are reset on accept",
    begin: (proxy) => {
      proxy.onAccept = "reset";
      return proxy.cut("rst");
    },
    end: forwardAgain,
  },
  fin: {
    explanation: "FIN, and new connections get FIN on accept",
    begin: (proxy) => {
      proxy.onAccept = "close";
      return proxy.cut("fin");
    },
    end: forwardAgain,
  },
  refuse: {
    explanation: "RST, and the port is closed",
    begin: (proxy) => {
      proxy.refuse();
      return proxy.cut("rst");
    },
    end: (proxy) => proxy.accept(),
  },
};

async function forwardAgain(proxy: FaultProxy): Promise<void> {
  proxy.onAccept = "forward";
}
