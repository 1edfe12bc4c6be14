/** A line between the browser and the service that can be cut. */

import { createServer, connect } from "node:net";

export class Line {
  #sockets = new Set();
  #isCut = false;

  constructor(target) {
    this.target = new URL(target);
    this.server = createServer((near) => this.#join(near));
  }

  async open() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  /** Whoever is connected is cut off, and nobody gets through until it is mended. */
  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#isCut = false;
  }

  close() {
    this.cut();
    this.server.close();
  }

  #join(near) {
    if (this.#isCut) return near.destroy();
    const far = connect(Number(this.target.port), this.target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => other.destroy());
      socket.on("close", () => (this.#sockets.delete(socket), other.destroy()));
    }
    near.pipe(far);
    far.pipe(near);
  }
}
