import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { InboxApi, Problem } from "../../inbox/api.js";
import { Tokens } from "../../inbox/tokens.js";

const ROW = {
  id: "n1",
  notification_type: "t",
  content: { a: 1 },
  title: "T",
  body: "B",
  url: null,
  seen_at: "2026-01-05T09:00:00.123Z",
  read_at: null,
  archived_at: null,
  created_at: "2026-01-05T08:00:00Z",
  updated_at: "2026-01-05T09:00:00.123Z",
  digest_count: null,
  buttons: [],
};
const token = (exp: number) => `h.${btoa(JSON.stringify({ exp }))}.s`;
let answers: [number, object][] = [];
let asked: [string, RequestInit][] = [];

beforeEach(() => {
  answers = [];
  asked = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push([url, init]);
    const [status, body] = answers.shift()!;
    return new Response(JSON.stringify(body), { status });
  });
});
afterEach(() => void vi.unstubAllGlobals());

test("a row becomes an item as sockets tell of them", async () => {
  answers = [[200, { notifications: [ROW], next_cursor: "c" }]];
  const api = new InboxApi("http://gateway", new Tokens(() => token(2e9)));
  const at = Date.UTC(2026, 0, 5, 9, 0, 0, 123);
  const item = { id: "n1", type: "t", data: { a: 1 }, title: "T", body: "B", buttons: [], created_at: at - 3_600_123 };
  expect(await api.list("unread", 10, "x y")).toEqual({ items: [{ ...item, seen_at: at, updated_at: at }], next: "c" });
  expect(asked[0]?.[0]).toBe("http://gateway/api/v1/notifications?limit=10&cursor=x+y&unread_only=true");
});

test("a token is asked for once, until it is about to expire", async () => {
  let made = 0;
  const tokens = new Tokens(() => (made++, token(made === 1 ? 1 : 2e9)));
  for (let times = 0; times < 3; times++) await tokens.current();
  expect(made).toBe(2);
  await Promise.all([tokens.fresh(), tokens.fresh()]);
  expect(made).toBe(3);
});

test("401: once more with a new token, then it is a problem", async () => {
  let made = 0;
  answers = [[401, {}], [200, { notifications: [], next_cursor: null }], [401, { detail: "no" }], [401, { detail: "no" }]];
  const api = new InboxApi("http://gateway", new Tokens(() => (made++, token(2e9))));
  await api.list("all", 10, null);
  expect(made).toBe(2);
  await expect(api.list("all", 10, null)).rejects.toMatchObject({ status: 401, message: "no" });
});

test("what is rejected says where", async () => {
  const errors = [{ pointer: "/quiet_hours/start_time", detail: "is no time" }];
  answers = [[422, { detail: "not valid", errors }]];
  const api = new InboxApi("http://gateway", new Tokens(() => token(2e9)));
  const error = await api.store({ push_notifications: false }).catch((problem: unknown) => problem);
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({ status: 422, faults: errors });
  expect(asked[0]?.[1]).toMatchObject({ method: "PUT", body: '{"push_notifications":false}' });
});
