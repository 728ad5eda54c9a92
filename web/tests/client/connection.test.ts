import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { token } from "./browser.js";
import { Scene, settle } from "./scene.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("the first message is auth, with the cursor of this user; what came is kept after it was shown", async () => {
  const scene = new Scene();
  scene.cursors.kept.set('carillon:ws://gateway:["default","ann"]', "old");
  const { client, of } = await scene.opened();
  expect(scene.browser.socket.said).toEqual([{ type: "auth", token: token("ann"), cursor: "old" }]);
  client.on("notification", () => expect([...scene.cursors.kept.values()]).toEqual(["c0"]));
  scene.notify("n1");
  expect(of("notification")).toMatchObject([{ item: { id: "n1" }, history: false }]);
  expect([...scene.cursors.kept.values()]).toEqual(["c-n1"]);
});

test("a connection that breaks comes back with the newest cursor, within full jitter", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  scene.notify("n1");
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  scene.browser.socket.end(1006);
  expect(client.state).toBe("waiting");
  await vi.advanceTimersByTimeAsync(249);
  expect(scene.browser.sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  scene.browser.socket.accept();
  expect(scene.browser.socket.said[0]).toMatchObject({ cursor: "c-n1" });
  expect(client.state).toBe("live");
});

test("after reconnect it comes back when it was told, whatever the browser hints", async () => {
  const scene = new Scene();
  const { tab } = await scene.opened();
  scene.browser.socket.tell({ type: "reconnect", after_ms: 2_000 });
  scene.browser.socket.end(1012);
  tab.hint("visible");
  await vi.advanceTimersByTimeAsync(1_990);
  expect(scene.browser.sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10);
  expect(scene.browser.sockets).toHaveLength(2);
});

test.each([1009, 4400, 4409])("after %i it does not come back", async (code) => {
  const scene = new Scene();
  const { client } = await scene.opened();
  scene.browser.socket.end(code);
  await vi.advanceTimersByTimeAsync(120_000);
  expect([client.state, scene.browser.sockets.length]).toEqual(["failed", 1]);
});

test("token_expiring: a new token goes over the same socket", async () => {
  const scene = new Scene();
  let made = 0;
  await scene.opened({ token: async () => token("ann", `t${made++ && 0}`) });
  scene.browser.socket.tell({ type: "token_expiring", seconds: 30 });
  await settle();
  expect(made).toBe(2);
  expect(scene.browser.socket.of("auth")).toHaveLength(2);
  expect(scene.browser.sockets).toHaveLength(1);
});

test("4401: a new token at once; again: said, and slower", async () => {
  const scene = new Scene();
  let asked = 0;
  const { of } = await scene.opened({ share: false, token: () => (asked++, token("ann")) });
  await vi.advanceTimersByTimeAsync(10_000);
  scene.browser.socket.end(4401, "expired");
  await settle();
  expect([asked, scene.browser.sockets.length, of("error").length]).toEqual([2, 2, 0]);
  vi.spyOn(Math, "random").mockReturnValue(1);
  scene.browser.socket.end(4401, "`exp` is wrong");
  expect(of("error")).toEqual([{ code: "unauthorized", detail: "`exp` is wrong" }]);
  await vi.advanceTimersByTimeAsync(999);
  expect(scene.browser.sockets).toHaveLength(2);
});

test("a token callback that fails is asked again", async () => {
  const scene = new Scene();
  let fails = 2;
  const { client, of } = scene.open({ token: () => (fails-- > 0 ? Promise.reject(new Error("503")) : token("ann")) });
  await settle();
  expect([client.state, of("error").length]).toEqual(["waiting", 1]);
  await vi.advanceTimersByTimeAsync(10_000);
  scene.browser.socket.accept();
  expect(client.state).toBe("live");
});

test("reset: the page is told, and the cursor forgotten until hello brings another", async () => {
  const scene = new Scene();
  const { of } = await scene.opened();
  scene.browser.socket.tell({ type: "reset", reason: "too_many" });
  expect(of("reset")).toMatchObject([{ reason: "too_many" }]);
  expect(scene.cursors.kept.size).toBe(0);
  scene.browser.socket.accept({ cursor: "fresh" });
  expect([...scene.cursors.kept.values()]).toEqual(["fresh"]);
});

test("history is what is replayed, and what comes before `live` where the server says that", async () => {
  const scene = new Scene();
  const { client, of } = scene.open();
  await settle();
  scene.browser.socket.accept({ session: "s" });
  scene.notify("replayed", { replay: true });
  scene.notify("missed");
  expect(client.state).toBe("catching_up");
  scene.browser.socket.tell({ type: "live", cursor: "c9" });
  scene.notify("new");
  expect(client.state).toBe("live");
  expect(of("notification").map(({ history }) => history)).toEqual([true, true, false]);
});

test("older counts do not replace newer ones; those of a hello have unseen where the server counts it", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  scene.browser.socket.accept({ unread: 3, unseen: 2, as_of: { offset: 5, at: 9 } });
  scene.notify("late", { unread: 1, as_of: { offset: 4, at: 99 } });
  expect(client.counts).toMatchObject({ unread: 3, unseen: 2 });
});

test("a silent connection is asked, and given up when it does not answer", async () => {
  const scene = new Scene();
  await scene.opened();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(scene.browser.socket.of("ping")).toHaveLength(1);
  scene.browser.socket.tell({ type: "pong" });
  await vi.advanceTimersByTimeAsync(65_000);
  expect(scene.browser.sockets[0]?.closed).toBe(true);
});

test("a server that says nothing at all is given up", async () => {
  const scene = new Scene();
  scene.open();
  await settle();
  await vi.advanceTimersByTimeAsync(15_000);
  expect([scene.browser.sockets[0]?.closed, scene.browser.sockets[0]?.said.length]).toEqual([true, 0]);
});

test("offline: it says so; online: it comes back at once, however long it would have waited", async () => {
  const scene = new Scene();
  const { client, tab } = await scene.opened();
  scene.browser.online = false;
  vi.spyOn(Math, "random").mockReturnValue(0.99);
  for (let times = 0; times < 6; times++) {
    scene.browser.socket.end(1006);
    if (times < 5) await vi.advanceTimersByTimeAsync(30_000);
  }
  expect(client.state).toBe("offline");
  const before = scene.browser.sockets.length;
  scene.browser.online = true;
  tab.hint("online");
  await vi.advanceTimersByTimeAsync(500);
  expect(scene.browser.sockets).toHaveLength(before + 1);
});

test("coming back into view asks whether the connection still is one", async () => {
  const scene = new Scene();
  const { tab } = await scene.opened();
  tab.hint("visible");
  expect(scene.browser.socket.of("ping")).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5_500);
  expect(scene.browser.sockets).toHaveLength(2);
});

test("stopped is stopped", async () => {
  const scene = new Scene();
  const { client } = await scene.opened();
  client.stop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect([client.state, scene.browser.sockets.length, scene.browser.socket.closed]).toEqual(["stopped", 1, true]);
});

test("another user's token: the page is told to forget, and cursors are not mixed", async () => {
  const scene = new Scene();
  let user = "ann";
  const { of } = await scene.opened({ token: () => token(user) });
  scene.notify("n1");
  user = "bob";
  scene.browser.socket.tell({ type: "token_expiring", seconds: 30 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(of("reset")).toMatchObject([{ reason: "another_user" }]);
  scene.browser.socket.accept();
  expect(scene.browser.socket.said).toEqual([{ type: "auth", token: token("bob") }]);
});
