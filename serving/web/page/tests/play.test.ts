import { ControlRejected, type Outcome, type Receipt } from "nacre";
import { Play, type PlayHost } from "../src/play";

/** What is told of a control that ends so. */
async function told(settled: Promise<Partial<Outcome>>): Promise<string[]> {
  const said: string[] = [];
  const notices = {
    say: (text: string) => said.push(text),
    trouble: (error: Error) => said.push(error.message),
  };
  const play = new Play(null as never, null as never, null as never, "", { notices } as unknown as PlayHost);
  play.watch(Object.assign(settled, { text: "gobbledygook" }) as unknown as Receipt);
  await settled.catch(() => {});
  return said;
}

test("a sentence of which nothing was understood is told, and one that was understood is not", async () => {
  const applied = (understood: string[] | null) => told(Promise.resolve({ kind: "applied" as const, understood }));
  expect(await applied([])).toEqual(["Nothing was understood of “gobbledygook”. Other words may do."]);
  expect(await applied(["weather: rain"])).toEqual([]);
  expect(await applied(null)).toEqual([]);
  expect(await told(Promise.resolve({ kind: "superseded" as const }))).toEqual([]);
});

test("what is refused is told", async () => {
  const refusal = new ControlRejected("too long", { reason: "TEXT_TOO_LONG" });
  expect(await told(Promise.reject(refusal))).toEqual(["too long"]);
});
