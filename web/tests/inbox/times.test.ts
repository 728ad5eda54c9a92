import { afterEach, expect, test } from "vitest";
import { inAnHour, tomorrowMorning } from "../../inbox/times.js";

const zone = process.env.TZ;
afterEach(() => void (process.env.TZ = zone ?? "UTC"));

test("in an hour is an hour", () => expect(inAnHour(5)).toBe(3_600_005));

test.each([
  ["UTC", "2026-01-05T23:59:00Z", "2026-01-06T09:00:00Z"],
  ["UTC", "2026-12-31T00:00:00Z", "2027-01-01T09:00:00Z"],
  ["America/New_York", "2026-03-07T23:00:00Z", "2026-03-08T13:00:00Z"],
])("tomorrow morning in %s after %s", (where, now, expected) => {
  process.env.TZ = where;
  expect(new Date(tomorrowMorning(Date.parse(now))).toISOString()).toBe(expected.replace("Z", ".000Z"));
});
