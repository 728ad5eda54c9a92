import { expect, test } from "vitest";
import ar from "../../inbox/locales/ar.json";
import de from "../../inbox/locales/de.json";
import en from "../../inbox/locales/en.json";
import { addLocale, Texts } from "../../inbox/texts.js";

const locales: Record<string, Record<string, string | Record<string, string>>> = { ar, de, en };
const values = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test.each(Object.keys(locales))("%s has every text, with the same values, and every plural of its language", (locale) => {
  const messages = locales[locale]!;
  expect(Object.keys(messages)).toEqual(Object.keys(en));
  const plurals = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
  for (const [key, found] of Object.entries(messages)) {
    if (typeof found === "string") expect([key, values(found)]).toEqual([key, values((en as never)[key])]);
    else expect(Object.keys(found).sort()).toEqual([...plurals].sort());
  }
});

test.each([
  [["de-AT", "en"], "de", "ltr"],
  [["xx", "ar-EG"], "ar", "rtl"],
  [[null, undefined, "zz"], "en", "ltr"],
])("of %j it takes %s, %s", (wanted, locale, direction) => {
  const texts = new Texts(wanted);
  expect([texts.locale, texts.direction]).toEqual([locale, direction]);
});

test("plurals, values, numbers", () => {
  expect(new Texts(["en"]).text("digest", { count: 1 })).toBe("1 notification");
  expect(new Texts(["en"]).text("digest", { count: 1_200 })).toBe("1,200 notifications");
  expect(new Texts(["ar"]).text("digest", { count: 2 })).toBe("إشعاران");
  expect(new Texts(["en"]).text("notified", { title: "{title} <b>" })).toBe("New notification: {title} <b>");
});

test("a locale may be added, or some words of one; the rest is English", () => {
  addLocale("fr", { title: "Notifications (fr)", "type.new_message": "Nouveaux messages" });
  const texts = new Texts(["fr-CA"]);
  expect([texts.text("title"), texts.text("save"), texts.locale]).toEqual(["Notifications (fr)", "Save", "fr"]);
  expect(texts.type("new_message")).toBe("Nouveaux messages");
  expect(texts.type("order.shipped_late")).toBe("Order shipped late");
});

test("how long ago, then the date; a clock that is behind is no future", () => {
  const texts = new Texts(["en"]);
  const now = Date.UTC(2026, 5, 15, 12);
  const ago = (ms: number) => texts.ago(now - ms, now);
  expect([0, 59_000, -5_000].map(ago)).toEqual(["now", "now", "now"]);
  expect([60_000, 3 * 3_600_000, 86_400_000].map(ago)).toEqual(["1 minute ago", "3 hours ago", "yesterday"]);
  expect(ago(8 * 86_400_000)).toBe("Jun 7, 2026");
});
