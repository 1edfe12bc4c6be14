import { readdirSync } from "node:fs";

import type { DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { file_google_protobuf_duration, file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";

import { argumentsOf } from "../../scripts/descriptors.mjs";
import { fileOf } from "../../src/descriptors.js";

const FOLDER = new URL("../../src/nacre/v1/", import.meta.url);

async function generated(): Promise<DescFile[]> {
  const modules = await Promise.all(readdirSync(FOLDER).map((name) => import(new URL(name, FOLDER).href)));
  const values = modules.flatMap((module) => Object.values<{ kind?: string }>(module));
  return values.filter((value): value is DescFile => value?.kind === "file");
}

function told(field: DescField): unknown {
  const { name, number, localName, jsonName, fieldKind, presence, parent, oneof } = field;
  const { listKind, mapKind, mapKey, scalar, packed, delimitedEncoding, longAsString, utf8Validation } = field as never;
  const [message, enumeration] = [field.message?.typeName, field.enum?.typeName];
  const own = { name, number, localName, jsonName, fieldKind, presence, parent: parent.typeName, oneof: oneof?.localName };
  const value = field.getDefaultValue?.();
  return { ...own, listKind, mapKind, mapKey, scalar, packed, delimitedEncoding, longAsString, utf8Validation, message, enumeration, value };
}

function toldOf(message: DescMessage): unknown {
  const { name, typeName, fields, oneofs, members, nestedMessages, nestedEnums } = message;
  return {
    ...{ name, typeName, fields: fields.map(told), members: members.map((each) => `${each.kind} ${each.localName}`) },
    oneofs: oneofs.map((each) => [each.localName, each.fields.map(({ localName }) => localName)]),
    ...{ messages: nestedMessages.map(toldOf), enums: nestedEnums.map(({ typeName: path }) => path) },
  };
}

function toldOfFile(file: DescFile): unknown {
  return {
    ...{ name: file.name, edition: file.edition, messages: file.messages.map(toldOf) },
    dependencies: file.dependencies.map(({ name }) => name),
    enums: file.enums.map(({ typeName, open, sharedPrefix, values }) => ({
      ...{ typeName, open, sharedPrefix },
      values: values.map(({ name, localName, number }) => [name, localName, number]),
    })),
    services: file.services.map(({ typeName, methods }) => ({
      typeName,
      methods: methods.map((each) => [each.name, each.localName, each.methodKind, each.input.typeName, each.output.typeName, each.idempotency]),
    })),
  };
}

test("short descriptors say what the generated ones say, of every file of the contract", async () => {
  const files = await generated();
  expect(files.length).toBeGreaterThan(10);
  for (const file of [...files, file_google_protobuf_duration, file_google_protobuf_timestamp]) {
    const short = fileOf(...argumentsOf(file.proto), [...file.dependencies]);
    expect(toldOfFile(short), file.name).toEqual(toldOfFile(file));
  }
});

test("what is said by an option is refused instead of being left out", () => {
  const field = { name: "old", number: 1, label: 1, type: 9, typeName: "", options: { deprecated: true } };
  const message = { name: "Kept", field: [field], oneofDecl: [], nestedType: [], enumType: [], extension: [], extensionRange: [] };
  const file = { name: "kept.proto", package: "kept", syntax: "proto3", messageType: [message], enumType: [], service: [], extension: [] };
  expect(() => argumentsOf(file as never)).toThrow("old has options");
});
