import type { OutboundEvent } from "../outbound/events.ts";
import type { Feed, FeedIterator } from "./feed.ts";

/**
 * What `nc.outbound.events()` returns: the events from that call on, for one reader. A reader that falls behind keeps the newest
 * 1 024, and `missed` counts the others. It ends when the connection is closed.
 */
export type OutboundEvents = FeedIterator<OutboundEvent>;

/** Where the outbound log reports its events. */
export type OutboundEventFeed = Feed<OutboundEvent>;
