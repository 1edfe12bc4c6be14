/** What is shown of numbers: times, ages, sizes. Pure. */

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** World time as a clock: 0:07, 12:30, 1:02:03. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / MINUTE_S) % 60, whole % 60];
  const hours = Math.floor(whole / HOUR_S);
  const [minutes, rest] = parts as [number, number];
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** How long ago, roughly: "just now", "5 minutes ago", "3 days ago". */
export function ago(seconds: number): string {
  if (seconds < 45) return "just now";
  if (seconds < HOUR_S) return `${count(Math.max(1, Math.round(seconds / MINUTE_S)), "minute")} ago`;
  if (seconds < DAY_S) return `${count(Math.round(seconds / HOUR_S), "hour")} ago`;
  return `${count(Math.round(seconds / DAY_S), "day")} ago`;
}

/** How long something takes, roughly: "8 seconds", "about 2 minutes". */
export function duration(seconds: number): string {
  if (seconds < 90) return count(Math.max(1, Math.ceil(seconds)), "second");
  if (seconds < 1.5 * HOUR_S) return `about ${count(Math.round(seconds / MINUTE_S), "minute")}`;
  return `about ${count(Math.round(seconds / HOUR_S), "hour")}`;
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** "1st", "2nd", "3rd", "11th". */
export function ordinal(number: number): string {
  const [tens, ones] = [Math.floor(number / 10) % 10, number % 10];
  const ending = tens === 1 ? undefined : ["th", "st", "nd", "rd"][ones];
  return `${number}${ending ?? "th"}`;
}

export function milliseconds(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "–" : `${Math.round(value)} ms`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** "third_person" as people say it. */
export function spoken(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** At most `limit` characters, cut between words where that is possible. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit - 1);
  const space = cut.lastIndexOf(" ");
  return `${(space >= limit / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

/** What a world is called where it has no name: its own words. */
export function titleOf(world: { prompt?: string; character?: string; scene?: string }): string {
  const custom = [world.character, world.scene].filter(Boolean).join(", ");
  return world.prompt || custom || "From a picture";
}
