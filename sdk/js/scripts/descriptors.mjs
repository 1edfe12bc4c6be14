/**
 * Puts the contract's descriptors into a bundle as short texts. As they are generated, they are base64 of `descriptor.proto`,
 * which nothing squeezes, and which takes the whole of `descriptor.proto`'s own description along to be read. See
 * src/descriptors.ts, which makes of the texts what was generated.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

// The contract's own, and what it imports.
const GENERATED = /(nacre\/v1\/\w+|google\/protobuf\/(any|duration|timestamp))_pb\.(ts|js)$/;
const CALL = /fileDesc\("([A-Za-z0-9+/=]+)"(?:,\s*\[([^\]]*)\])?\)/;
const LABEL_REPEATED = 3;

/** For esbuild. `sources`: the folder with descriptors.ts. */
export function shortDescriptors(sources) {
  return {
    name: "short-descriptors",
    setup(build) {
      build.onLoad({ filter: GENERATED }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        const call = CALL.exec(text);
        if (!call) return undefined;
        const [whole, base64, imports = ""] = call;
        const args = argumentsOf(fromBinary(FileDescriptorProtoSchema, base64Decode(base64)));
        const made = `fileOf(${args.map((each) => JSON.stringify(each)).join(", ")}, [${imports}])`;
        const from = JSON.stringify(join(sources, "descriptors.ts"));
        return {
          contents: `import { fileOf } from ${from};\n${text.replace(whole, () => made)}`,
          loader: path.endsWith(".ts") ? "ts" : "js",
        };
      });
    },
  };
}

/** What `fileOf` takes, but for the files that are imported. Throws for what it could not tell. */
export function argumentsOf(file) {
  const { syntax, extension } = file;
  if (syntax !== "proto3" || extension.length) throw new Error(`${file.name}: what is not plain proto3 cannot be shortened`);
  return [file.name, file.package, file.messageType.map(messageText), file.enumType.map(enumText), file.service.map(serviceText)];
}

function messageText(message) {
  if (message.extension.length || message.extensionRange.length) throw new Error(`${message.name} has extensions`);
  const parts = [
    message.name,
    message.field.map(fieldText).join(";"),
    message.oneofDecl.map(({ name }) => name).join(" "),
    message.options?.mapEntry ? "map" : "",
  ];
  const text = parts.join("|").replace(/\|+$/, "");
  const { nestedType, enumType } = message;
  return nestedType.length || enumType.length ? [text, nestedType.map(messageText), enumType.map(enumText)] : text;
}

function fieldText(field) {
  if (field.options || Object.hasOwn(field, "defaultValue")) throw new Error(`${field.name} has options, or a default`);
  const marks = `${field.label === LABEL_REPEATED ? "*" : ""}${field.proto3Optional ? "?" : ""}`;
  const oneof = Object.hasOwn(field, "oneofIndex") ? field.oneofIndex : "";
  const parts = [field.name, field.number, field.type + marks, field.typeName, oneof];
  return parts.join(" ").trimEnd();
}

function enumText({ name, value }) {
  return [name, ...value.map((each) => `${each.name} ${each.number}`)].join(";");
}

function serviceText({ name, method }) {
  const texts = method.map((each) => {
    const marks = `${each.clientStreaming ? "<" : ""}${each.serverStreaming ? ">" : ""}`;
    return [each.name, each.inputType, each.outputType, each.options?.idempotencyLevel ?? 0, marks].join(" ").trimEnd();
  });
  return [name, ...texts].join(";");
}
