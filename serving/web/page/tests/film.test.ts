import { Film } from "../src/film";

function filled(limit: number, chunks: number): Film<number> {
  const film = new Film<number>(limit, 1);
  for (let chunk = 0; chunk < chunks; chunk += 1) if (film.wants(chunk)) film.add(chunk, chunk);
  return film;
}

test("it never holds more than its limit, spread over all that was", () => {
  const film = filled(8, 1000);
  const chunks = film.stills.map((still) => still.chunk);
  expect(chunks.length).toBeLessThanOrEqual(8);
  expect(chunks[0]).toBe(0);
  expect(chunks.at(-1)).toBeGreaterThan(700);
  const gaps = chunks.slice(1).map((chunk, index) => chunk - (chunks[index] as number));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * Math.min(...gaps));
});

test("a rewind takes away what is no more", () => {
  const film = filled(100, 50);
  film.rewind(20);
  expect(film.stills.at(-1)?.chunk).toBe(19);
  expect(film.wants(20)).toBe(true);
});

test("a moment is shown by the still before it", () => {
  const film = filled(100, 10);
  expect(film.at(4.5)?.chunk).toBe(4);
  expect(film.at(-1)?.chunk).toBe(0);
  expect(new Film(4, 1).at(0)).toBeUndefined();
});
