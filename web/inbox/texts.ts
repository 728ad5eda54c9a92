/** The words of the inbox, in the language that fits best. */

import ar from "./locales/ar.json";
import de from "./locales/de.json";
import en from "./locales/en.json";

export type Key = keyof typeof en;
type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
/** A locale file; what it leaves out is English. `type.<name>` names a notification type. */
export type Messages = Partial<Record<Key, string | Plural>> & { [type: `type.${string}`]: string };

const known = new Map<string, Messages>(Object.entries({ en, de, ar }));
const RIGHT_TO_LEFT = new Set(["ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"]);

/** Adds a language, or replaces some words of one. */
export function addLocale(locale: string, messages: Messages): void {
  const tag = locale.toLowerCase();
  known.set(tag, { ...known.get(tag), ...messages });
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];
const WEEK_MS = 7 * 86_400_000;

export class Texts {
  readonly locale: string;
  readonly direction: "ltr" | "rtl";
  readonly #messages: Messages;
  readonly #plurals: Intl.PluralRules;
  readonly #relative: Intl.RelativeTimeFormat;
  readonly #numbers: Intl.NumberFormat;

  /** The first of `wanted` that there is, or its language; else English. */
  constructor(wanted: readonly (string | null | undefined)[]) {
    const tags = wanted.flatMap((tag) => (tag ? [tag.toLowerCase(), tag.toLowerCase().split("-")[0]!] : []));
    this.locale = tags.find((tag) => known.has(tag)) ?? "en";
    this.#messages = { ...known.get("en"), ...known.get(this.locale) };
    this.direction = RIGHT_TO_LEFT.has(this.locale.split("-")[0]!) ? "rtl" : "ltr";
    this.#plurals = new Intl.PluralRules(this.locale);
    this.#relative = new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" });
    this.#numbers = new Intl.NumberFormat(this.locale);
  }

  /** The text, with `{name}` replaced; `count` chooses the plural. */
  text(key: Key, values: Record<string, string | number> = {}): string {
    const found = this.#messages[key] ?? key;
    const count = Number(values.count ?? 0);
    const text = typeof found === "string" ? found : (found[this.#plurals.select(count)] ?? found.other);
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === "number" ? this.number(value) : value;
    });
  }

  number(value: number): string {
    return this.#numbers.format(value);
  }

  /** As the locale file names it, else read from its name: `new_message` is "New message". */
  type(name: string): string {
    const words = name.replace(/[._-]+/g, " ").trim();
    return this.#messages[`type.${name}`] ?? words.charAt(0).toUpperCase() + words.slice(1);
  }

  /** "5 minutes ago" within a week, else the date. */
  ago(at: number, now: number): string {
    const past = Math.max(0, now - at);
    if (past >= WEEK_MS) return new Intl.DateTimeFormat(this.locale, { dateStyle: "medium" }).format(at);
    const [unit, ms] = UNITS.find(([, each]) => past >= each) ?? ["second", Infinity];
    return this.#relative.format(-Math.floor(past / ms) || 0, unit as Intl.RelativeTimeFormatUnit);
  }

  clock(at: number): string {
    return new Intl.DateTimeFormat(this.locale, { timeStyle: "short" }).format(at);
  }

  moment(at: number): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "medium", timeStyle: "short" }).format(at);
  }

  time(at: number): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "full", timeStyle: "short" }).format(at);
  }
}
