/** What the snippets of the pages take for granted; copied beside them as `given.mts`. */
import { connect } from "holdfast";

export { publishToStream } from "holdfast";

export const nc = await connect({ servers: process.env.SNIPPETS_SERVER ?? "", reconnectTimeWait: 10 });
export const order = JSON.stringify({ id: 16 });
export const fix = "10,20";
export const entry = "somebody did something";
export const reading = "21.5";
export const megabyte = new Uint8Array(1024 * 1024 - 512);
