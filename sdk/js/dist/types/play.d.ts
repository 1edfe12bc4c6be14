/** What a page needs to let somebody play, without what those who run a service ask of it: for the page that the service
 * itself gives. */
import { type ConnectOptions, PlayClient } from "./play_client.js";
export { PlayClient };
export type { PlayClient as Client };
/** As of the whole package, for those who play. */
export declare function connect(url?: string, options?: ConnectOptions): PlayClient;
export type { ConnectOptions, CreateOptions, ListOptions, MintOptions, QueueOptions, WorldListOptions } from "./play_client.js";
export { canShow } from "./codecs.js";
export type { CanShow } from "./codecs.js";
export type { Pause } from "./comeback.js";
export { Conflict, ConnectionLost, ControlRejected, Detached, InternalError, InvalidArgument, LimitReached, NacreError, NotFound, PermissionDenied, ProtocolError, QuotaExceeded, ServiceError, SessionEnded, Timeout, Unauthenticated, Unavailable, Unsupported, } from "./errors.js";
export type { ErrorDetails } from "./errors.js";
export type { ImageSource } from "./image.js";
export type { Axes } from "./input/axes.js";
export type { Axis } from "./input/keys.js";
export type { TouchStick } from "./input/sticks.js";
export { WorldInput } from "./input/world_input.js";
export type { InputEvents, InputOptions } from "./input/world_input.js";
export type * from "./media.js";
export { Receipt } from "./receipt.js";
export type { Applied, Outcome, ReceiptStatus, Superseded } from "./receipt.js";
export type * from "./records.js";
export type { ResumePolicy } from "./resume.js";
export { Session } from "./session.js";
export type { Token, WebSocketMaker } from "./token.js";
export type { Spread } from "./view/spread.js";
export { WorldView } from "./view/world_view.js";
export type { PaintedFrame, ViewEvents, ViewOptions, ViewStats } from "./view/world_view.js";
export { after, at, atChunk } from "./when.js";
export type { When } from "./when.js";
export { World } from "./world.js";
export type { ControlOptions, EnterOptions, WorldEvents } from "./world_options.js";
