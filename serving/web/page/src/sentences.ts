/** Errors as sentences, with what to do next. Pure. */

export interface Trouble {
  reason?: string;
  message?: string;
  retryAfterS?: number | null;
  requestId?: string;
  code?: string;
}

/** What a button beside the sentence does. */
export type Remedy = "retry" | "wait" | "key" | "start" | "fork" | "picture" | "none";

export interface Sentence {
  /** What happened. */
  title: string;
  /** What to do. */
  advice: string;
  remedy: Remedy;
}

type Told = [title: string, advice: string, remedy?: Remedy];

// By reason of nacre.v1.ErrorReason. What is not here is told in the service's own words.
const TOLD: Record<string, Told> = {
  WORLD_MISSING: ["There is nothing to begin from.", "Write a sentence, describe a scene, or drop a picture."],
  WORLD_AMBIGUOUS: [
    "There are two descriptions.",
    "Describe the world in one way: a sentence, or somebody in a scene.",
  ],
  TEXT_EMPTY: ["There are no words.", "Say what there should be."],
  TEXT_TOO_LONG: ["That is longer than the world can read.", "Say it in fewer words."],
  IMAGE_UNREADABLE: ["This file is not a picture that can be read.", "Choose a PNG, JPEG or WebP file.", "picture"],
  IMAGE_TRUNCATED: [
    "The picture is cut short or damaged.",
    "Copy or save it again, and choose the whole file.",
    "picture",
  ],
  IMAGE_TOO_LARGE: ["The picture is too large.", "Choose one below 8 MiB and 16 megapixels.", "picture"],
  SESSION_NOT_FOUND: [
    "This world is not there, or it is not yours.",
    "Begin another, or choose one of yours.",
    "start",
  ],
  SESSION_ENDED: ["This world has ended.", "Go on from its last moment in a fork of it.", "fork"],
  SESSION_CONTROLLED: ["Somebody else is in control here.", "Look on, or ask for control."],
  RESUME_TOKEN_INVALID: ["This browser has no key to that world any more.", "Open it from your worlds again.", "start"],
  CONTROL_UNSUPPORTED: ["This model cannot do that.", "Try it in other words."],
  CAPACITY_EXHAUSTED: ["Every place is taken right now.", "Wait in line, or end a world that you do not need.", "wait"],
  QUEUE_FULL: ["Every place is taken, and the line is full.", "Try again in a moment.", "retry"],
  MODEL_UNKNOWN: ["The service has no such model.", "Leave the choice of the model to the service."],
  UNAVAILABLE: ["The service does not answer.", "It may be starting or stopping. Try again in a moment.", "retry"],
  CLIENT_STALLED: ["This page was too slow to keep up.", "Close other busy tabs, and come back in.", "retry"],
  INTERNAL: ["The service has made a mistake.", "Try again; if it stays, tell its operator the number below.", "retry"],
  RATE_EXCEEDED: ["That was too much at once.", "Go a little slower."],
  REWOUND: ["The world went back before this could happen.", "Say it again if you still want it."],
  STORAGE_UNAVAILABLE: [
    "Nothing can be kept right now.",
    "The world plays on; try to save again in a moment.",
    "retry",
  ],
  RECORDING_NOT_FOUND: [
    "Nothing is recorded of this world.",
    "Where your storage is full, recording goes on once there is room.",
  ],
  CHUNK_UNKNOWN: ["There is no such moment.", "Choose one that has been."],
  WORLD_NOT_FOUND: ["This saved world is not there any more.", "Choose another one.", "start"],
  SNAPSHOT_REFUSED: [
    "This moment cannot be read by this service.",
    "It may be another model's, or of a newer version.",
    "start",
  ],
  SHARE_LINK_EXPIRED: ["This link's time is over.", "Ask for a new one.", "start"],
  SHARE_LINK_REVOKED: ["This link was taken back.", "Ask whoever shared it.", "start"],
  SCOPE_EXCEEDED: ["This link does not allow that.", "Ask for one that does."],
  PERMISSION_MISSING: ["You may not do that here.", "Ask whoever runs the service for a role that may."],
  QUOTA_EXCEEDED: ["You have used what you may.", "End what you do not need, or ask for more."],
  BUDGET_EXHAUSTED: ["The budget is spent.", "What was playing is saved. Raise the budget to go on."],
  UNAUTHENTICATED: ["This service asks who you are.", "Enter a key or a token of it.", "key"],
  NOT_IN_CONTROL: ["Somebody else is in control.", "Ask for control to walk and to speak."],
  CONTROL_NOT_WAITING: ["It has happened already.", "Nothing needs to be done."],
  PREDECESSOR_LOST: ["What this was to come after never happened.", "Say it again without waiting."],
  REGION_REFUSED: ["Your worlds may not be kept here.", "Use the service of your region."],
  ORIGIN_REFUSED: ["This page may not use that service.", "Open the page that the service itself gives."],
  MESSAGE_TOO_LARGE: [
    "That is more than the service takes at once.",
    "Send a smaller picture or fewer words.",
    "picture",
  ],
  CALLS_EXCEEDED: ["The service is very busy.", "Try again in a moment.", "retry"],
};

const UNREACHABLE = new Set(["unavailable", "connection_lost", "deadline_exceeded"]);

export function sentenceOf(trouble: Trouble): Sentence {
  const reason = trouble.reason ?? "";
  const told = TOLD[reason] ?? (UNREACHABLE.has(trouble.code ?? "") ? TOLD.UNAVAILABLE : undefined);
  if (told) return { title: told[0], advice: withTime(told[1], trouble), remedy: told[2] ?? "none" };
  const title = asSentence(trouble.message || "Something went wrong");
  return { title, advice: withTime("Try again, or begin anew.", trouble), remedy: "retry" };
}

/** Why a session is over, by nacre.v1.EndReason. */
export function endOf(reason: string): Sentence {
  const told = ENDS[reason.toUpperCase()];
  if (told) return { title: told[0], advice: told[1], remedy: told[2] ?? "fork" };
  return { title: "The world has ended.", advice: "Go on from its last moment, or begin another.", remedy: "fork" };
}

const ENDS: Record<string, Told> = {
  REQUESTED: ["The world has ended.", "Go on from its last moment, or begin another."],
  ABANDONED: ["The world ended while nobody was there.", "Go on from its last moment."],
  SERVICE_STOPPING: ["The service has stopped.", "Come back in when it is there again.", "retry"],
  WORKER_LOST: ["The machine that made this world is gone.", "Go on from the last moment that was kept."],
  PARKED: ["The world rests.", "Enter again, and it goes on.", "retry"],
  TIME_LIMIT: ["The time for this world is over.", "Go on from its last moment in a fork of it."],
  CREDENTIAL_EXPIRED: ["Your key is no longer good.", "Enter another one.", "key"],
  BUDGET: ["The budget is spent.", "The world was saved. Raise the budget to go on.", "start"],
  QUOTA: ["You have played for as long as you may today.", "The world is kept until midnight UTC has passed.", "start"],
};

/** Before a limit bites. `isGuest`: of a link, which leaves nothing. */
export function warningOf(reason: string, time: string, isGuest = false): string {
  if (isGuest && reason.toUpperCase() === "CREDENTIAL_EXPIRED") return `This link ends in ${time}.`;
  const why: Record<string, string> = {
    SERVICE_STOPPING: "The service stops",
    TIME_LIMIT: "The time for this world is over",
    BUDGET: "The budget is spent",
    CREDENTIAL_EXPIRED: "Your key runs out",
    QUOTA: "Today's time is used up",
  };
  return `${why[reason.toUpperCase()] ?? "This world ends"} in ${time}. What it is now will be kept.`;
}

function withTime(advice: string, trouble: Trouble): string {
  const wait = trouble.retryAfterS;
  return wait && wait >= 1 ? `${advice} (In ${Math.ceil(wait)} s.)` : advice;
}

function asSentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
