/**
 * Makes the contract's descriptors of the short texts that scripts/descriptors.mjs writes into a bundle. It knows no more of
 * protobuf than the contract uses: proto3, without options and extensions.
 */

import { type DescFile, createFileRegistry } from "@bufbuild/protobuf";
import type { GenFile } from "@bufbuild/protobuf/codegenv2";

/** A message, alone or with what is declared within: messages, enumerations. */
type MessageText = string | [text: string, messages: MessageText[], enums: string[]];

// What is not said of a field is not its own: that is how it is told from what was said.
const FIELD = { label: 1, typeName: "", extendee: "", defaultValue: "", oneofIndex: 0, proto3Optional: false };
const LABEL_REPEATED = 3;

/** What `fileDesc` gives for the same file. */
export function fileOf(
  name: string,
  packageName: string,
  messages: MessageText[],
  enums: string[],
  services: string[],
  imports: DescFile[],
): GenFile {
  const file = {
    $typeName: "google.protobuf.FileDescriptorProto",
    ...{ name, package: packageName, syntax: "proto3", edition: 0, extension: [] },
    dependency: imports.map(({ proto }) => proto.name),
    ...{ messageType: messages.map(messageOf), enumType: enums.map(enumOf), service: services.map(serviceOf) },
  };
  const find = (path: string): DescFile | undefined => imports.find(({ proto }) => proto.name === path);
  return createFileRegistry(file as never, find).getFile(name) as GenFile;
}

function messageOf(message: MessageText): object {
  const [text, messages, enums] = typeof message === "string" ? [message, [], []] : message;
  const [name, fields = "", oneofs = "", mark] = text.split("|");
  return {
    ...{ name, extension: [], options: mark ? { mapEntry: true } : undefined },
    field: listed(fields, ";").map(fieldOf),
    oneofDecl: listed(oneofs, " ").map((each) => ({ name: each })),
    ...{ nestedType: messages.map(messageOf), enumType: enums.map(enumOf) },
  };
}

function fieldOf(text: string): object {
  const [name, number, kind, typeName, oneof] = text.split(" ") as [string, string, string, string?, string?];
  return Object.assign(Object.create(FIELD), {
    ...{ name, number: Number(number), type: parseInt(kind), jsonName: camelCase(name) },
    ...(kind.includes("*") && { label: LABEL_REPEATED }),
    ...(kind.includes("?") && { proto3Optional: true }),
    ...(typeName && { typeName }),
    ...(oneof && { oneofIndex: Number(oneof) }),
  });
}

function enumOf(text: string): object {
  const [name, ...values] = text.split(";");
  const value = values.map((each) => {
    const [own, number] = each.split(" ");
    return { name: own, number: Number(number) };
  });
  return { name, value };
}

function serviceOf(text: string): object {
  const [name, ...methods] = text.split(";");
  const method = methods.map((each) => {
    const [own, inputType, outputType, level, marks = ""] = each.split(" ");
    const [clientStreaming, serverStreaming] = [marks.includes("<"), marks.includes(">")];
    return { ...{ name: own, inputType, outputType, clientStreaming, serverStreaming }, options: { idempotencyLevel: Number(level) } };
  });
  return { name, method };
}

const listed = (text: string, by: string): string[] => (text ? text.split(by) : []);

const camelCase = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
