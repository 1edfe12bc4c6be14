/** Under which name a moment is kept. */

import { ask } from "./ask_dialog";
import { shorten } from "./words";

/** Empty where one thinks better of it. */
export function askName(title: string): Promise<string> {
  const value = shorten(title, 60);
  const note = "A name used before gets its next version.";
  return ask({ title: "Save this moment", label: "Name", value, submit: "Save", note });
}
