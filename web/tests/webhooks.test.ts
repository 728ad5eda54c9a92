import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

interface Shown {
  secrets: string[];
  body: string;
  headers: Record<string, string>;
}

// What the delivery service signs: tests/unit/delivery/test_webhook.py says that it is.
const shown = JSON.parse(readFileSync(new URL("../../tests/support/signed_webhook.json", import.meta.url), "utf8")) as Shown;

beforeEach(() => void vi.useFakeTimers({ now: Number(shown.headers["webhook-timestamp"]) * 1000 }));
afterEach(() => void vi.useRealTimers());

test("the reference library takes our signature, by the old secret and by the new one", () => {
  for (const secret of shown.secrets) {
    expect(new Webhook(secret).verify(shown.body, shown.headers)).toEqual(JSON.parse(shown.body));
  }
});

test("and nothing else", () => {
  const webhook = new Webhook(shown.secrets[0] ?? "");
  expect(() => webhook.verify(`${shown.body} `, shown.headers)).toThrow();
  expect(() => webhook.verify(shown.body, { ...shown.headers, "webhook-id": "another" })).toThrow();
});
