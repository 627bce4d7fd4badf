/** For `node --import`, before tsx: registers scripts/compat/hooks.mjs. */
import { register } from "node:module";

register("./hooks.mjs", import.meta.url);
