/** The user's token: asked for once for many calls, until it is about to expire. */

import { checkToken } from "../client/token.js";

const EARLY_MS = 30_000;

export class Tokens {
  #known: { token: string; until: number } | undefined;
  #asking: Promise<string> | undefined;

  constructor(private readonly ask: () => string | Promise<string>) {}

  /** A new one, for a socket. */
  fresh(): Promise<string> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async current(): Promise<string> {
    return this.#known && this.#known.until > Date.now() ? this.#known.token : this.fresh();
  }

  forget(): void {
    this.#known = undefined;
  }

  async #ask(): Promise<string> {
    const token = checkToken(await this.ask());
    this.#known = { token, until: expiry(token) - EARLY_MS };
    return token;
  }
}

/** By the token's own word, in milliseconds; the gateway is what judges it. */
function expiry(token: string): number {
  try {
    const part = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    return Number((JSON.parse(atob(part)) as { exp?: unknown }).exp) * 1000 || 0;
  } catch {
    return 0;
  }
}

/** A page's own address that answers with the token: as text, or as JSON with `token`. */
export async function fetchToken(url: string): Promise<string> {
  const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const text = (await answer.text()).trim();
  if (!text.startsWith("{")) return text;
  const { token } = JSON.parse(text) as { token?: unknown };
  if (typeof token !== "string") throw new Error(`${url} answered JSON without a text "token"`);
  return token;
}
