// A line to the service that can be cut, and that can go dead without a word.
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

export class Line {
  private readonly pairs = new Set<[Socket, Socket]>();
  private isDead = false;
  /** How many of the next connections are closed as soon as they come. */
  numRefused = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async to(target: string): Promise<Line> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const line = new Line(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on("connection", (near) => {
      if (line.numRefused-- > 0) near.destroy();
      else line.join(near, connect(Number(port), hostname));
    });
    return line;
  }

  private join(near: Socket, far: Socket): void {
    const pair: [Socket, Socket] = [near, far];
    this.pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on("data", (data) => this.isDead || to.write(data));
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        this.pairs.delete(pair);
      });
    }
  }

  cut(): void {
    for (const pair of this.pairs) for (const end of pair) end.destroy();
  }

  /** Nothing passes, and nobody is told. */
  set dead(dead: boolean) {
    this.isDead = dead;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}
