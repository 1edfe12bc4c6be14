/** One question with one field. */

import { openDialog } from "./dialog";
import { h } from "./dom";

export interface Question {
  title: string;
  label: string;
  value?: string;
  placeholder?: string;
  maxLength?: number;
  isSecret?: boolean;
  submit: string;
  note?: string;
}

/** What was typed; empty where it was closed without an answer. */
export function ask(question: Question): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const field = h("input", {
      class: "field",
      type: question.isSecret ? "password" : "text",
      value: question.value,
      placeholder: question.placeholder,
      maxlength: question.maxLength ?? 200,
      autocomplete: "off",
      "aria-label": question.label,
      required: true,
    });
    const onsubmit = (event: Event): void => {
      event.preventDefault();
      answer = field.value.trim();
      if (answer) dialog.close();
    };
    const form = h(
      "form",
      { class: "ask", onsubmit },
      h("label", null, h("span", null, question.label), field),
      question.note && h("p", { class: "soft" }, question.note),
      h("button", { class: "primary", type: "submit" }, question.submit),
    );
    const dialog = openDialog(question.title, [form], { onClose: () => resolve(answer) });
    field.select();
  });
}
