/** Links for others: what they allow, for how long, and which there are. */

import type { Session, ShareLink } from "nacre";
import { choice, openDialog } from "./dialog";
import { fill, h } from "./dom";
import { icon, iconButton } from "./icons";
import type { Notices } from "./notices";
import { duration } from "./words";

type Scope = "view" | "direct" | "join" | "fork";

const SCOPES: readonly (readonly [Scope, string])[] = [
  ["view", "Look on"],
  ["direct", "Say things"],
  ["join", "Play along"],
  ["fork", "Go their own way"],
];
const LIFETIMES: readonly (readonly [string, string])[] = [
  ["3600", "An hour"],
  ["86400", "A day"],
  ["2592000", "A month"],
];

/** The token stands behind the #, which browsers do not send. */
export function linkOf(token: string): string {
  return `${location.origin}${location.pathname}#share=${encodeURIComponent(token)}`;
}

/** The token in the address, if there is one; it is taken out of it, so that it is not passed on by mistake. */
export function takeLink(): string {
  const match = /^#share=(.+)$/.exec(location.hash);
  if (!match) return "";
  history.replaceState(null, "", location.pathname);
  return decodeURIComponent(match[1] as string);
}

export function openShareDialog(session: Session, notices: Notices, onClose: () => void): void {
  let scope: Scope = "view";
  let seconds = "86400";
  const made = h("div", { class: "made", "aria-live": "polite" });
  const links = h("ul", { class: "links" });
  const refresh = (): Promise<void> =>
    showLinks(session, links, notices).catch((error: unknown) => notices.trouble(error));
  const make = async (): Promise<void> => {
    try {
      const link = await session.share(scope, { seconds: Number(seconds) });
      fill(made, linkField(linkOf(link.token ?? "")));
      await refresh();
    } catch (error) {
      notices.trouble(error);
    }
  };
  openDialog(
    "Share this world",
    [
      choice("Whoever has the link may", SCOPES, scope, (value) => (scope = value)),
      choice("For", LIFETIMES, seconds, (value) => (seconds = value)),
      h("button", { class: "primary", type: "button", onclick: () => void make() }, "Make a link"),
      made,
      links,
    ],
    { onClose },
  );
  void refresh();
}

function linkField(url: string): HTMLElement {
  const field = h("input", { class: "field", readonly: true, value: url, "aria-label": "Link" });
  const copy = h("button", { class: "secondary", type: "button" }, icon("copy"), "Copy");
  copy.addEventListener("click", () => {
    field.select();
    navigator.clipboard.writeText(url).then(
      () => fill(copy, "Copied"),
      () => document.execCommand("copy"),
    );
  });
  return h("div", { class: "link-field" }, field, copy);
}

async function showLinks(session: Session, list: HTMLElement, notices: Notices): Promise<void> {
  const all = (await session.shareLinks()).filter((link) => !link.isRevoked && link.expiresAt.getTime() > Date.now());
  fill(list, ...all.map((link) => linkRow(session, link, notices)));
}

function linkRow(session: Session, link: ShareLink, notices: Notices): HTMLElement {
  const scope = SCOPES.find(([value]) => value === link.can)?.[1] ?? link.can;
  const left = duration((link.expiresAt.getTime() - Date.now()) / 1000);
  const row = h("li", null, h("span", null, `${scope}, for ${left} · used ${link.numUses} times`));
  const revoke = async (): Promise<void> => {
    try {
      await session.revoke(link);
      row.remove();
    } catch (error) {
      notices.trouble(error);
    }
  };
  row.append(iconButton("bin", "Take this link back", () => void revoke()));
  return row;
}
