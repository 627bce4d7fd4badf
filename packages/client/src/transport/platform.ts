/**
 * Whether this is Node itself. Deno and Bun have its sockets by name, but not all that they do: what we know of Node's alone (see
 * `SocketLink`) is not built on there. docs/guide/runtimes.md says what was seen.
 */
export const isNode: boolean = process.versions.deno === undefined && process.versions.bun === undefined;
