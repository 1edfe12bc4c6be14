// A page with the client, in a real browser. What it needs is served from an origin of its own on the loopback.
import { existsSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { build } from "esbuild";
import { type Browser, type Page, chromium } from "playwright-core";

export const CHROMIUM = process.env.NACRE_CHROMIUM ?? "/usr/bin/chromium";
export const hasChromium = existsSync(CHROMIUM);

const PAGE = `<!doctype html><title>nacre</title><link rel="icon" href="data:,">
<style>body { margin: 0 } canvas { width: 100vw; height: 100vh; image-rendering: pixelated }</style>
<canvas id="world"></canvas><input id="text">
<script type="module">import * as nacre from "/nacre.js"; Object.assign(window, { nacre, isReady: true });</script>`;

export class Chromium {
  readonly problems: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly browser: Browser,
    private readonly url: string,
  ) {}

  static async start(): Promise<Chromium> {
    const entryPoints = [join(import.meta.dirname, "../../src/index.ts")];
    const { outputFiles } = await build({ entryPoints, bundle: true, format: "esm", target: "es2022", write: false });
    const server = createServer((request, response) => {
      const isScript = request.url === "/nacre.js";
      response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? outputFiles[0]!.text : PAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
    const args = ["--no-sandbox", ...quiet, "--disable-component-update", "--disable-sync", "--autoplay-policy=user-gesture-required"];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args });
    return new Chromium(server, browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** With the client as `window.nacre`. */
  async page(): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width: 640, height: 400 } });
    page.on("console", (message) => message.type() === "error" && this.problems.push(message.text()));
    page.on("pageerror", (error) => this.problems.push(String(error)));
    await page.goto(this.url);
    await page.waitForFunction("window.isReady");
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }
}
