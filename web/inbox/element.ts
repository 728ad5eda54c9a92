/** `<carillon-inbox>`: a bell with a badge, and behind it the inbox. docs/inbox.md is its contract. */

import type { CarillonClient, Item } from "../client/index.js";
import { Advisor, missing } from "./advice.js";
import { Inbox } from "./inbox.js";
import { Shell } from "./shell.js";
import { STYLES } from "./styles.js";
import { Texts } from "./texts.js";
import { fetchToken } from "./tokens.js";

export type TokenSource = string | (() => string | Promise<string>);

const CONNECTS = ["api", "sockets", "token", "token-url", "limit"];
const LOOKS = ["locale", "inline", "badge"];
const MINUTE_MS = 60_000;
/** A page may have its token only after a login; who has forgotten it wants to know. */
const PATIENCE_MS = 3_000;
const MAX_LIMIT = 100;

/** Where the script was loaded from: the gateway that serves it is the one to ask. */
let home = "";
export function setHome(url: string | undefined): void {
  home = url ? new URL(url).origin : "";
}

export class CarillonInboxElement extends HTMLElement {
  static readonly observedAttributes = [...CONNECTS, ...LOOKS];
  readonly #root = this.attachShadow({ mode: "open" });
  #inbox: Inbox | undefined;
  #shell: Shell | undefined;
  #token: TokenSource | undefined;
  #planned: "nothing" | "draw" | "build" | "connect" = "nothing";
  #clock: ReturnType<typeof setInterval> | undefined;
  #left = new AbortController();
  #patience: ReturnType<typeof setTimeout> | undefined;
  readonly #advisor = new Advisor();

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    this.#root.adoptedStyleSheets = [sheet];
  }

  /** A token, or a function that gets one from your backend whenever a new one is needed. */
  get token(): TokenSource | undefined {
    return this.#token;
  }

  set token(source: TokenSource | undefined) {
    this.#token = source;
    this.#plan("connect");
  }

  /** Connection, commands, events. Undefined until there is a token and an address. */
  get client(): CarillonClient | undefined {
    return this.#inbox?.client;
  }

  get isOpen(): boolean {
    return this.#inbox?.opened ?? false;
  }

  open(): void {
    if (!this.#inbox || this.isOpen) return;
    this.#inbox.open();
    this.#shell?.opened();
    this.#tell("open", {});
  }

  close(): void {
    if (!this.#inbox || !this.isOpen || this.hasAttribute("inline")) return;
    this.#inbox.closed();
    this.#shell?.closed();
    this.#tell("close", {});
  }

  connectedCallback(): void {
    // Set before the script was there, it hides the property of the class.
    if (Object.hasOwn(this, "token")) {
      const own = this as { token?: TokenSource };
      this.#token = own.token;
      delete own.token;
    }
    this.#left = new AbortController();
    const { signal } = this.#left;
    const outside = (event: Event) => event.composedPath().includes(this) || this.close();
    document.addEventListener("pointerdown", outside, { signal });
    document.addEventListener("visibilitychange", () => this.isOpen && this.#inbox?.open(), { signal });
    this.#clock = setInterval(() => this.isOpen && this.#plan("draw"), MINUTE_MS);
    this.#build();
    this.#plan("connect");
  }

  disconnectedCallback(): void {
    this.#left.abort();
    clearInterval(this.#clock);
    clearTimeout(this.#patience);
    this.#stop();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before !== now) this.#plan(CONNECTS.includes(name) ? "connect" : "build");
  }

  /** Once, after everything that is being set now is set. */
  #plan(what: "draw" | "build" | "connect"): void {
    const order = ["nothing", "draw", "build", "connect"];
    const isFirst = this.#planned === "nothing";
    if (order.indexOf(what) > order.indexOf(this.#planned)) this.#planned = what;
    if (isFirst) queueMicrotask(() => this.#carryOut());
  }

  #carryOut(): void {
    const what = this.#planned;
    this.#planned = "nothing";
    if (!this.isConnected) return;
    if (what === "draw") return this.#shell?.draw();
    if (what === "connect") this.#connect();
    this.#build();
  }

  #connect(): void {
    this.#stop();
    const api = (this.getAttribute("api") ?? home).replace(/\/$/, "");
    const token = this.#source();
    clearTimeout(this.#patience);
    if (!api || !token) {
      const what = missing(api, !!token) ?? "";
      this.#patience = setTimeout(() => this.#advisor.say(what), PATIENCE_MS);
      return;
    }
    const named = this.getAttribute("sockets");
    const sockets = named ?? api.replace(/^http/, "ws");
    this.#advisor.begin({ origin: location.origin, api, sockets, named: named !== null });
    const limit = Math.min(Math.max(Math.trunc(Number(this.getAttribute("limit"))) || 20, 1), MAX_LIMIT);
    const host = {
      changed: () => this.#plan("draw"),
      tell: (name: string, detail: object) => this.#tell(name, detail),
      close: () => this.close(),
    };
    this.#inbox = new Inbox({ api, sockets, token, limit }, host);
    this.#inbox.client.start();
  }

  #stop(): void {
    this.#inbox?.client.stop();
    this.#inbox = undefined;
  }

  #source(): (() => string | Promise<string>) | undefined {
    const found = this.#token ?? this.getAttribute("token");
    if (found) return typeof found === "function" ? found : () => found;
    const url = this.getAttribute("token-url");
    return url ? () => fetchToken(url) : undefined;
  }

  #build(): void {
    const page = this.closest("[lang]")?.getAttribute("lang");
    const texts = new Texts([this.getAttribute("locale"), page, ...navigator.languages]);
    const inline = this.hasAttribute("inline");
    const badge = this.getAttribute("badge") === "unseen" ? "unseen" : "unread";
    if (inline && this.#inbox && !this.isOpen) this.#inbox.open();
    const toggle = () => (this.isOpen ? this.close() : this.open());
    this.#shell = new Shell(this.#root, { texts, inbox: this.#inbox, inline, badge, toggle });
  }

  #tell(name: string, detail: object): boolean {
    this.#advisor.heard(name, detail);
    if (name === "notification") {
      const { item, history } = detail as { item: Item; history: boolean };
      if (!history) this.#shell?.say(item.title ?? "");
    }
    const shape = { detail, bubbles: true, composed: true, cancelable: true };
    return this.dispatchEvent(new CustomEvent(`carillon-${name}`, shape));
  }
}
