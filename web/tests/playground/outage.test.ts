import { expect, test } from "vitest";
import { Outage, told } from "../../../sandbox/playground/page/outage.js";

const NONE = new Set<string>();

function outage(): Outage {
  return new Outage(0, ["ada", "grace"]);
}

test("a line is lost once and back once, whatever happens between", () => {
  const killed = outage();
  expect(killed.report("ada", 50, NONE, NONE)).toMatchObject({ phase: "connected" });
  killed.changed("ada", "live", 60); // of before: it was never lost
  killed.changed("ada", "waiting", 100);
  killed.changed("ada", "connecting", 400);
  killed.changed("ada", "waiting", 500);
  expect(killed.report("ada", 2100, NONE, NONE)).toMatchObject({ phase: "lost", ms: 2000 });
  killed.changed("ada", "live", 3100);
  killed.changed("ada", "live", 9000);
  expect(killed.report("ada", 9999, NONE, NONE)).toMatchObject({ phase: "back", ms: 3000 });
});

test("what is sent to who is back already was not sent meanwhile", () => {
  const killed = outage();
  killed.accepted([{ id: "a1", user: "ada" }, { id: "g1", user: "grace" }]);
  killed.changed("ada", "waiting", 1);
  killed.changed("ada", "live", 2);
  killed.accepted([{ id: "a2", user: "ada" }, { id: "g2", user: "grace" }, { id: "n1", user: "nobody" }]);
  expect(killed.report("ada", 9, new Set(["a1", "a2"]), NONE)).toMatchObject({ sent: 1, here: 1 });
  expect(killed.report("grace", 9, new Set(["g1"]), NONE)).toMatchObject({ sent: 2, here: 1 });
});

test("what settings keep from a phone is not missing", () => {
  const killed = outage();
  killed.accepted([{ id: "a1", user: "ada" }, { id: "a2", user: "ada" }]);
  expect(killed.report("ada", 9, new Set(["a1"]), new Set(["a2"]))).toMatchObject({ sent: 1, here: 1 });
  expect(killed.report("ada", 9, new Set(["a1", "a2"]), new Set(["a2"]))).toMatchObject({ sent: 2, here: 2 });
});

test.each([
  [{ phase: "connected", ms: 0, sent: 0, here: 0 }, "Ada: still connected"],
  [{ phase: "lost", ms: 2900, sent: 3, here: 0 }, "Ada: no gateway for 2 s"],
  [{ phase: "back", ms: 3140, sent: 0, here: 0 }, "Ada: back after 3.1 s; nothing was sent meanwhile"],
  [{ phase: "back", ms: 3140, sent: 3, here: 2 }, "Ada: back after 3.1 s; 2 of 3 sent meanwhile are here, still catching up"],
  [{ phase: "back", ms: 3140, sent: 3, here: 3 }, "Ada: back after 3.1 s; 3 of 3 sent meanwhile are here, nothing is missing"],
] as const)("%o", (report, text) => {
  expect(told("Ada", report)).toBe(text);
});
