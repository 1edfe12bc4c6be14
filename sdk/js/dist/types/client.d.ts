/** The client: all that a service is asked for, by those who play and those who run it. */
import { Admin } from "./admin.js";
import { Books } from "./books.js";
import { type ConnectOptions, PlayClient } from "./play_client.js";
export declare class Client extends PlayClient {
    /** For those who run the service. */
    readonly admin: Admin;
    /** What playing costs, what was used, and who did what. */
    readonly books: Books;
}
/** A client for the service at `url` ("http://localhost:8080"); in a page, its own origin when left out. */
export declare function connect(url?: string, options?: ConnectOptions): Client;
