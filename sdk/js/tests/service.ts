// The service as an operator starts it, in one process and with a model that needs no weights: once for all tests.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
  }
}

const ROOT = join(import.meta.dirname, "../../..");
const PYTHON = process.env.NACRE_PYTHON ?? join(ROOT, ".venv/bin/python");
const READY_TIMEOUT_MS = 110_000;
// A session that nobody plays leaves its slot within a test's patience.
const SETTINGS = "[gateway]\nready_grace_s = 10.0\ndetach_grace_s = 5.0\n";

export interface Service {
  url: string;
  folder: string;
  stop(): Promise<void>;
}

export async function startService(...more: string[]): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), "nacre-js-"));
  writeFileSync(join(folder, "nacre.toml"), SETTINGS);
  const ports = ["--port", "0", "--web-port", "0", "--metrics-port", "0"];
  const kept = ["--data-folder", join(folder, "data"), "--config", join(folder, "nacre.toml")];
  const flags = ["-m", "serving", "--local", "--model", "tests.fakes_model:load", "--slots", "3", ...ports, ...kept, ...more];
  const service = spawn(PYTHON, flags, { cwd: ROOT });
  const url = await ready(service);
  const stop = async () => {
    service.kill("SIGTERM");
    await new Promise((resolve) => service.once("exit", resolve));
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, folder, stop };
}

/** A key, as an operator makes one. */
export function createKey({ folder }: Service, role: string): string {
  const flags = ["-m", "serving.cli.app", "keys", "create", "--role", role, "--data-folder", join(folder, "data"), "--json"];
  return (JSON.parse(execFileSync(PYTHON, flags, { cwd: ROOT, encoding: "utf8" })) as { secret: string }).secret;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startService();
  project.provide("url", url);
  return stop;
}

function ready(service: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`not ready: ${text}`)), READY_TIMEOUT_MS);
    const onText = (part: Buffer) => {
      text += part.toString();
      const url = /PAGE (\S+)/.exec(text)?.[1];
      if (url === undefined || !text.includes("READY")) return;
      clearTimeout(timer);
      resolve(url);
    };
    service.stdout?.on("data", onText);
    service.stderr?.on("data", onText);
    service.once("exit", (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}
