import { afterEach, expect, test, vi } from "vitest";
import { Advisor, missing } from "../../inbox/advice.js";
import { checkToken } from "../../client/token.js";

const PLACE = { origin: "http://shop:3000", api: "http://gateway:8081", sockets: "ws://gateway:8081", named: false };

function advisor() {
  const said: string[] = [];
  vi.spyOn(console, "warn").mockImplementation((text: string) => void said.push(text));
  const made = new Advisor();
  made.begin(PLACE);
  return { made, said };
}

afterEach(() => void vi.restoreAllMocks());

test("what never connects names the address, where it came from, and the origin to allow; once", () => {
  const { made, said } = advisor();
  made.heard("connection", { state: "waiting" });
  expect(said).toEqual([]);
  for (let tries = 0; tries < 5; tries++) made.heard("connection", { state: "waiting" });
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch("ws://gateway:8081");
  expect(said[0]).toMatch("no attribute `sockets`");
  expect(said[0]).toMatch("add this page's origin, http://shop:3000, to CARILLON_ORIGINS");
});

test("who was connected is told nothing while the gateway restarts", () => {
  const { made, said } = advisor();
  made.heard("connection", { state: "live" });
  for (let tries = 0; tries < 5; tries++) made.heard("connection", { state: "waiting" });
  expect(said).toEqual([]);
});

test("a token that is not taken is no wrong address", () => {
  const { made, said } = advisor();
  for (let tries = 0; tries < 3; tries++) {
    made.heard("error", { code: "unauthorized", detail: "the token has no `exp`" });
    made.heard("connection", { state: "waiting" });
  }
  expect(said).toEqual(["Carillon: the gateway does not take the token: the token has no `exp`. A new one is asked for."]);
});

test.each([
  ["TypeError: Failed to fetch", true],
  ["TypeError: NetworkError when attempting to fetch resource.", true],
  ["Error: the request is not valid", false],
])("a list that failed with %s asks for the origin: %s", (detail, asks) => {
  const { made, said } = advisor();
  made.heard("error", { code: "list_failed", detail });
  expect(said[0]?.includes("CARILLON_ORIGINS")).toBe(asks);
  expect(said[0]).toMatch(detail);
});

test("what is missing is named", () => {
  expect(missing("", true)).toMatch("inbox.mjs");
  expect(missing("http://gateway", false)).toMatch("`token`");
  expect(missing("http://gateway", true)).toBeUndefined();
});

test.each([
  ["<!doctype html><h1>Not found</h1>", "a page of HTML"],
  ['{"token":"a.b.c"}', "a JSON object"],
  ['"a.b.c"', "a JSON string"],
  ["Bearer a.b.c", 'leave "Bearer" out'],
  [" \n", "an empty text"],
  [undefined, "undefined, no text"],
  [null, "null, no text"],
  [{ token: "a.b.c" }, "object, no text"],
])("%j is no token", (found, said) => {
  expect(() => checkToken(found)).toThrow(said);
});

test("a token loses the line end of a file", () => {
  expect(checkToken("a.b.c\n")).toBe("a.b.c");
});
