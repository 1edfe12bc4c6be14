/** Who one is, and how one gets through. */
/** A function is asked anew at each call: tokens end. */
export type Token = string | (() => string | Promise<string>);
export type WebSocketMaker = new (url: string, protocols?: string[]) => WebSocket;
