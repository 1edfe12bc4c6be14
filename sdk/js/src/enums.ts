/** Enum values of the contract as the words that this package's users see, and back. */

import type { DescEnum } from "@bufbuild/protobuf";

/** `END_REASON_REQUESTED` as "REQUESTED". A value newer than this package comes as its number. */
export function nameOf(schema: DescEnum, value: number): string {
  return schema.value[value]?.name.slice(prefixOf(schema).length) ?? String(value);
}

/** `CONTROL_KIND_MOVE` as "move"; unspecified as "". */
export function wordOf(schema: DescEnum, value: number): string {
  return value === 0 ? "" : nameOf(schema, value).toLowerCase();
}

/** Throws TypeError, which lists the words there are. */
export function valueOf(schema: DescEnum, word: string): number {
  const found = schema.values.find((each) => each.number !== 0 && wordOf(schema, each.number) === word);
  if (found) return found.number;
  const known = schema.values.filter((each) => each.number !== 0).map((each) => wordOf(schema, each.number));
  throw new TypeError(`"${word}" is not one of: ${known.join(", ")}`);
}

function prefixOf(schema: DescEnum): string {
  const zero = schema.value[0]?.name ?? "";
  return zero.slice(0, zero.length - "UNSPECIFIED".length);
}
