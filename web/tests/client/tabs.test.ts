import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { token } from "./browser.js";
import { MemoryCursors, Scene, settle } from "./scene.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("tabs of one user share a socket, and each hears everything", async () => {
  const scene = new Scene();
  const first = await scene.opened();
  const second = scene.open();
  await settle();
  expect([second.client.state, scene.browser.sockets.length]).toEqual(["live", 1]);
  expect(second.of("hello")).toMatchObject([{ user: "ann", cursor: "c0" }]);
  scene.notify("n1");
  await settle();
  for (const tab of [first, second]) expect(tab.of("notification")).toMatchObject([{ item: { id: "n1" } }]);
  expect(second.client.counts).toMatchObject({ unread: 1 });
});

test("a tab that comes later is told the newest counts", async () => {
  const scene = new Scene();
  await scene.opened();
  scene.notify("n1", { unread: 7, unseen: 4 });
  const late = scene.open();
  await settle();
  expect(late.client.counts).toMatchObject({ unread: 7, unseen: 4 });
});

test("a command of any tab goes over the one socket; only that tab gets the answer", async () => {
  const scene = new Scene();
  const first = await scene.opened();
  const second = scene.open();
  await settle();
  const mine = first.client.read("a");
  const theirs = second.client.read("b");
  await settle();
  const said = scene.browser.socket.of("read");
  expect(said).toHaveLength(2);
  said.forEach((each, at) => scene.browser.socket.tell({ type: "ok", for: "read", ref: each.ref, updated: at + 1 }));
  await settle();
  expect(await Promise.all([mine, theirs])).toEqual([1, 2]);
});

test("when the tab with the socket goes, the next one goes on from its own cursor, with what has no answer", async () => {
  const scene = new Scene();
  const first = await scene.opened();
  const second = scene.open({ cursors: new MemoryCursors() });
  await settle();
  scene.notify("n1");
  await settle();
  const done = second.client.read("n1");
  first.client.stop();
  await settle();
  expect(scene.browser.sockets).toHaveLength(2);
  scene.browser.socket.accept();
  expect(scene.browser.socket.said[0]).toMatchObject({ type: "auth", cursor: "c-n1" });
  const [said] = scene.browser.socket.of("read");
  scene.browser.socket.tell({ type: "ok", for: "read", ref: said?.ref, updated: 1 });
  expect(await done).toBe(1);
});

test("tabs of other users have sockets of their own", async () => {
  const scene = new Scene();
  const ann = await scene.opened();
  const bob = await scene.opened({ user: "bob" });
  expect(scene.browser.sockets).toHaveLength(2);
  scene.notify("for-bob");
  await settle();
  expect([ann.of("notification").length, bob.of("notification").length]).toEqual([0, 1]);
});

test("without locks, or when it is asked for, each tab has a socket", async () => {
  const scene = new Scene();
  await scene.opened({ share: false });
  await scene.opened({ share: false });
  expect(scene.browser.sockets).toHaveLength(2);
});

test("a tab whose tokens are not taken lets another have the socket", async () => {
  const scene = new Scene();
  const bad = await scene.opened();
  const good = scene.open();
  await settle();
  scene.browser.socket.end(4401);
  await settle();
  scene.browser.socket.end(4401);
  await settle();
  scene.browser.socket.accept();
  await settle();
  expect([good.client.state, bad.client.state]).toEqual(["live", "live"]);
  expect(bad.of("error")).toMatchObject([{ code: "unauthorized" }]);
  expect(scene.browser.sockets).toHaveLength(3);
});

test("a tab alone whose tokens are not taken goes on trying, slowly", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  for (let times = 0; times < 3; times++) {
    scene.browser.socket.end(4401);
    await vi.advanceTimersByTimeAsync(40_000);
  }
  expect(scene.browser.sockets.length).toBeLessThan(12);
  for (let waited = 0; waited < 60 && scene.browser.socket.closed; waited++) await vi.advanceTimersByTimeAsync(1_000);
  scene.browser.socket.accept();
  expect(client.state).toBe("live");
});

test("a tab in front tells the one with the socket that it is time", async () => {
  const scene = new Scene();
  await scene.opened({ visible: false });
  scene.open();
  await settle();
  vi.spyOn(Math, "random").mockReturnValue(1);
  // The first tab's timer is late: this one is never called.
  const real = globalThis.setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementationOnce((() => 0) as never);
  scene.browser.socket.end(1006);
  globalThis.setTimeout = real;
  await vi.advanceTimersByTimeAsync(600);
  expect(scene.browser.sockets).toHaveLength(2);
});

test("a tab that was frozen reads again, and asks how things are", async () => {
  const scene = new Scene();
  await scene.opened();
  const second = scene.open();
  await settle();
  second.tab.hint("stale");
  await settle();
  expect(second.of("reset")).toEqual([{ reason: "stale" }]);
  expect(second.client.state).toBe("live");
});

test("who a token is for is read as UTF-8", async () => {
  const scene = new Scene();
  await scene.opened({ token: () => token("zoë", "acme") });
  expect([...scene.cursors.kept.keys()]).toEqual(['carillon:ws://gateway:["acme","zoë"]']);
});
