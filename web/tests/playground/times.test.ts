import { expect, test } from "vitest";
import { city, clock, quietNow, readable, since, there } from "../../../sandbox/playground/page/times.js";

const NOW = Date.parse("2026-01-05T23:30:00Z");

test("a time is told where somebody is, with the day when that is another", () => {
  expect(there("2026-01-05T23:45:09.500Z", "Europe/Berlin", NOW)).toBe("00:45:09 in Berlin");
  expect(there("2026-01-06T13:00:00Z", "America/New_York", NOW)).toBe("6 January, 08:00:00 in New York");
});

test("a sentence has its times there, and no event's id", () => {
  const text = "It was accepted: order.shipped v1 for ada. It came of the event 0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10.";
  expect(readable(text, "UTC", NOW)).toBe("It was accepted: order.shipped v1 for ada.");
  expect(readable("It waits until 2026-01-05T23:59:00.000Z: quiet.", "UTC", NOW)).toBe("It waits until 23:59:00 in UTC: quiet.");
});

test.each([
  [-3, "+0 ms"],
  [12.4, "+12 ms"],
  [999, "+999 ms"],
  [3140, "+3.1 s"],
  [180_000, "+3 min"],
])("%d ms is %s", (ms, text) => {
  expect(since(ms)).toBe(text);
});

test("quiet hours hold now, also over midnight", () => {
  const hours = quietNow(NOW, "Europe/London");
  expect(hours).toEqual({ enabled: true, start_time: "23:29", end_time: "00:30", timezone: "Europe/London" });
  expect(clock(Date.parse("2026-01-05T00:05:00Z"), "UTC")).toBe("00:05");
});

test("a zone's city", () => {
  expect(["America/New_York", "America/Argentina/Buenos_Aires", "UTC"].map(city)).toEqual(["New York", "Buenos Aires", "UTC"]);
});
