/** All that patches call, under one name. */
export * from "./off.ts";
export * from "./off-errors.ts";
export * from "./off-functions.ts";
