import { expect, test } from "vitest";
import { BASE_MS, CAP_MS, comeBack, fullJitter } from "../../client/backoff.js";

test("full jitter: from nothing to a bound that doubles up to its cap", () => {
  expect(fullJitter(0, 0)).toBe(0);
  expect([0, 1, 2, 3].map((attempt) => fullJitter(attempt, 1))).toEqual([1, 2, 4, 8].map((times) => times * BASE_MS));
  expect(fullJitter(1_000, 1)).toBe(CAP_MS);
});

test.each([1009, 4400, 4409])("%i: it would end the same", (code) => {
  expect(comeBack({ code, attempt: 0, afterMs: 5 }, 0.5)).toBeUndefined();
});

test.each([1012, 1006, 1013])("%i after `reconnect`: when the server said", (code) => {
  expect(comeBack({ code, attempt: 3, afterMs: 1_234 }, 0.9)).toEqual({ delay: 1_234, firm: true });
});

test.each([
  [1006, 0, 0, BASE_MS, false],
  [1012, 0, 200, 200 + 8 * BASE_MS, false],
  [1013, 0, 3_000, 7_000 + BASE_MS, true],
  [4008, 0, 0, BASE_MS, false],
  [4408, 2, 0, 4 * BASE_MS, false],
  [4429, 0, 5_000, 5_000 + 16 * BASE_MS, true],
  [4499, 1, 0, 2 * BASE_MS, false],
])("%i after %i useless ones", (code, attempt, least, most, firm) => {
  expect(comeBack({ code, attempt }, 0)).toEqual({ delay: least, firm });
  expect(comeBack({ code, attempt }, 1)).toEqual({ delay: most, firm });
});

test("4401: at once with a new token, then as after any other trouble", () => {
  expect(comeBack({ code: 4401, attempt: 0 }, 1)?.delay).toBe(0);
  expect(comeBack({ code: 4401, attempt: 1 }, 1)?.delay).toBe(2 * BASE_MS);
});
