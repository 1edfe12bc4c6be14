/** The client: all that a service is asked for, by those who play and those who run it. */

import { Admin } from "./admin.js";
import { Books } from "./books.js";
import type { Calls } from "./calls.js";
import { type ConnectOptions, PlayClient, callsTo } from "./play_client.js";

export class Client extends PlayClient {
  /** For those who run the service. */
  readonly admin: Admin;
  /** What playing costs, what was used, and who did what. */
  readonly books: Books;

  /** @internal Use `connect`. */
  constructor(calls: Calls) {
    super(calls);
    this.admin = new Admin(calls);
    this.books = new Books(calls);
  }
}

/** A client for the service at `url` ("http://localhost:8080"); in a page, its own origin when left out. */
export function connect(url?: string, options: ConnectOptions = {}): Client {
  return new Client(callsTo(url, options));
}
