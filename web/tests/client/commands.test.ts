import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Scene, settle } from "./scene.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a command resolves with what its ok says", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  const done = client.read("a", "b");
  const [said] = scene.browser.socket.of("read");
  expect(said).toMatchObject({ ids: ["a", "b"] });
  scene.browser.socket.tell({ type: "ok", for: "read", ref: said?.ref, updated: 2 });
  expect(await done).toBe(2);
});

test("a rejected one fails with its code; errors of nobody's are told", async () => {
  const scene = new Scene();
  const { client, of } = await scene.opened();
  const failed = client.archive("x").catch((error: unknown) => error);
  const [said] = scene.browser.socket.of("archive");
  scene.browser.socket.tell({ type: "error", code: "invalid_command", detail: "no", ref: said?.ref });
  expect(await failed).toMatchObject({ code: "invalid_command", message: "no" });
  scene.browser.socket.tell({ type: "error", code: "other", detail: "?", ref: null });
  expect(of("error")).toMatchObject([{ code: "other" }]);
});

test("temporarily unavailable is repeated", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  const done = client.delete("x");
  const [first] = scene.browser.socket.of("delete");
  scene.browser.socket.tell({ type: "error", code: "temporarily_unavailable", detail: "", ref: first?.ref });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(scene.browser.socket.of("delete")).toEqual([first, first]);
  scene.browser.socket.tell({ type: "ok", for: "delete", ref: first?.ref, updated: 1 });
  expect(await done).toBe(1);
});

test("what has no answer when the connection breaks is said again, by the next one", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  const done = client.seen("x");
  scene.browser.socket.end(1006);
  const late = client.unread("y");
  await vi.advanceTimersByTimeAsync(1_000);
  scene.browser.socket.accept();
  for (const said of scene.browser.socket.said.slice(1)) {
    scene.browser.socket.tell({ type: "ok", for: said.type, ref: said.ref, updated: 1 });
  }
  expect(await Promise.all([done, late])).toEqual([1, 1]);
});

test("more ids than one command takes become several", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  const ids = Array.from({ length: 250 }, (_, at) => `i${at}`);
  const done = client.archive(...ids);
  const said = scene.browser.socket.of("archive");
  expect(said.map((each) => (each.ids as string[]).length)).toEqual([100, 100, 50]);
  for (const each of said) scene.browser.socket.tell({ type: "ok", for: "archive", ref: each.ref, updated: 10 });
  expect(await done).toBe(30);
});

test("however fast the page is, the server's limit is kept", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  for (let at = 0; at < 200; at++) void client.read(`i${at}`).catch(() => undefined);
  expect(scene.browser.socket.of("read")).toHaveLength(40);
  await vi.advanceTimersByTimeAsync(5_000);
  const after = scene.browser.socket.of("read").length;
  expect(after).toBeGreaterThan(90);
  expect(after).toBeLessThanOrEqual(100 + 5 * 20);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(scene.browser.socket.of("read")).toHaveLength(200);
});

test("readAll may name a type; stopping fails what waits", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  const waiting = client.readAll("new_message").catch((error: unknown) => error);
  expect(scene.browser.socket.of("read")).toMatchObject([{ all: true, notification_type: "new_message" }]);
  client.stop();
  await settle();
  expect(await waiting).toMatchObject({ code: "stopped" });
});

test("a snooze says until when", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  const done = Promise.all([client.snooze(5_000, "a", "b"), client.unsnooze("c")]);
  const said = [...scene.browser.socket.of("snooze"), ...scene.browser.socket.of("unsnooze")];
  expect(said).toMatchObject([{ ids: ["a", "b"], until: 5_000 }, { ids: ["c"] }]);
  for (const each of said) scene.browser.socket.tell({ type: "ok", for: each.type, ref: each.ref, updated: 1 });
  expect(await done).toEqual([1, 1]);
});
