import { shard } from "./model-shard.ts";

shard(9);
