export { CarillonClient, type ClientEvents, type ClientOptions } from "./client.js";
export { CarillonError } from "./commands.js";
export type { ConnectionState } from "./connection.js";
export { localCursors, noCursors, type CursorStore } from "./cursor_store.js";
export type * from "./protocol.js";
