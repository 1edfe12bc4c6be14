import type { DescFile } from "@bufbuild/protobuf";
import type { fileOf } from "../src/descriptors.js";

type Arguments = Parameters<typeof fileOf>;

export function shortDescriptors(sources: string): { name: string; setup(build: unknown): void };
export function argumentsOf(file: DescFile["proto"]): [Arguments[0], Arguments[1], Arguments[2], Arguments[3], Arguments[4]];
