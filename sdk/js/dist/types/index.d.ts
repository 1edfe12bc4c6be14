/**
 * Client for Nacre: create a world, walk through it and direct it while it streams.
 *
 *     const client = connect();
 *     const session = await client.create({ prompt: "a quiet street at dusk" });
 *     const world = await session.enter();
 *     new WorldView(canvas).show(world);
 *     new WorldInput(world, { element: canvas });
 *     await world.say("it starts to rain");
 */
export type { Keys, RevokedToken, Tenants, TokenToRevoke } from "./access.js";
export type { Admin } from "./admin.js";
export type * from "./admin_records.js";
export type { AuditOptions, Books, UsageOptions } from "./books.js";
export type * from "./books_records.js";
export type { ConnectOptions } from "./client.js";
export { Client, connect } from "./client.js";
export * from "./play.js";
export type { Grant } from "./sharing.js";
