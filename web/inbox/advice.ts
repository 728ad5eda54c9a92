/** What whoever puts the inbox in a page should look at, for the browser's console: its users are told less. */

export interface Place {
  /** The page's own origin. */
  origin: string;
  api: string;
  sockets: string;
  /** Whether `sockets` was said, and not made of `api`. */
  named: boolean;
}

const DOCS = "the carillon-inbox element";

/** Undefined: all is there. */
export function missing(api: string, hasToken: boolean): string | undefined {
  if (!api) return `${DOCS} does not know the gateway: a module's address is not known to it. Load inbox.mjs as the module, or set the attribute \`api\`.`;
  if (!hasToken) return `${DOCS} has no token, so it shows nothing: set its property \`token\` to a function that gets one from your backend, or its attribute \`token-url\`.`;
  return undefined;
}

/** A connection that never was. */
function unreachable({ origin, sockets, named }: Place): string {
  const address = named ? "" : " That address was made of `api`, as there is no attribute `sockets`; the gateway's sockets have a port of their own.";
  return `${DOCS} cannot connect to ${sockets}.${address} 403: add this page's origin, ${origin}, to CARILLON_ORIGINS of the gateway. 404: that is not the address of its sockets. Otherwise: does it run?`;
}

/** What an event `carillon-error` says; a failed fetch has no reason of its own. */
function advice(code: string, detail: string, { origin, api }: Place): string {
  if (code === "unauthorized") return `the gateway does not take the token: ${detail}. A new one is asked for.`;
  if (code === "no_token") return `no token: ${detail}`;
  const hint = /fetch/i.test(detail) ? `. Is ${api} the gateway's HTTP address, and this page's origin, ${origin}, in its CARILLON_ORIGINS?` : "";
  return `${code}: ${detail}${hint}`;
}

/** Of tries that failed before the first connection: one may be a gateway that starts. */
const TRIES = 2;

/** Listens to what the component tells, and says each thing once: what is tried again fails again. */
export class Advisor {
  readonly #said = new Set<string>();
  #place: Place | undefined;
  #failures = 0;

  /** The component connects, or connects anew. */
  begin(place: Place): void {
    this.#place = place;
    this.#failures = 0;
  }

  heard(name: string, detail: { code?: string; detail?: string; state?: string }): void {
    if (!this.#place) return;
    if (name === "error") {
      this.#failures = 0;
      this.say(advice(detail.code ?? "", detail.detail ?? "", this.#place));
    } else if (name === "connection" && detail.state === "live") this.#failures = -Infinity;
    else if (name === "connection" && detail.state === "waiting" && ++this.#failures === TRIES) this.say(unreachable(this.#place));
  }

  say(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    console.warn(`Carillon: ${text}`);
  }
}
