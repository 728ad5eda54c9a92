/** One socket, and the next one after it: connecting, authenticating, waiting, coming back. */

import { comeBack, type Return } from "./backoff.js";
import type { Environment, Hint, Socket } from "./environment.js";
import { Pace } from "./pace.js";
import { SUBPROTOCOL, type ServerMessage } from "./protocol.js";

/**
 * `connecting` → `catching_up` (what was missed comes) → `live`; `waiting` to come back, `offline` says the browser;
 * `failed`: not without being mended; `stopped` by the page.
 */
export type ConnectionState = "connecting" | "catching_up" | "live" | "waiting" | "offline" | "failed" | "stopped";

/** Whether commands reach the server in this state. */
export const isOpen = (state: ConnectionState): boolean => state === "catching_up" || state === "live";

export interface ConnectionHooks {
  token(): Promise<string>;
  cursor(): string | null;
  /** `history`: it was there before the page came, or before it came back. */
  message(message: ServerMessage, history: boolean): void;
  /** `dueIn`: milliseconds until it is tried again. */
  state(state: ConnectionState, dueIn?: number): void;
  /** No token, or none that the gateway takes; `code` says which. The next try is under way all the same. */
  refused(code: string, detail: string): void;
}

const HELLO_MS = 15_000;
const PONG_MS = 5_000;
const SILENCE_MS = 60_000;
const OF_USE_MS = 5_000;

export class Connection {
  #state: ConnectionState = "stopped";
  #socket: Socket | undefined;
  #turn = 0;
  #attempt = 0;
  #afterMs: number | undefined;
  #helloAt: number | undefined;
  #next: (Return & { at: number }) | undefined;
  #saysLive = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  readonly #pace = new Pace((text) => this.#socket?.send(text));

  constructor(
    private readonly url: string,
    private readonly env: Environment,
    private readonly hooks: ConnectionHooks,
  ) {}

  start(): void {
    void this.#open();
  }

  stop(): void {
    this.#turn++;
    this.#drop();
    clearTimeout(this.#retry);
    this.#set("stopped");
  }

  /** Says it as soon as the server's limit allows; what is said while there is no connection is dropped. */
  say(command: object): void {
    if (isOpen(this.#state)) this.#pace.say(JSON.stringify(command));
  }

  /** What the browser, or a tab in front of this one, has noticed. */
  hint(hint: Hint): void {
    if (hint === "offline") this.#probe();
    else if (this.#next) this.#tryEarlier();
    else if (this.#helloAt !== undefined) this.#probe();
  }

  /** For tabs whose timers are on time, when this one's are not: comes back if it is time. */
  due(): void {
    if (this.#next && Date.now() >= this.#next.at) void this.#open();
  }

  async #open(): Promise<void> {
    const turn = ++this.#turn;
    clearTimeout(this.#retry);
    this.#next = undefined;
    this.#set("connecting");
    this.#expect(HELLO_MS);
    try {
      const token = await this.hooks.token();
      if (turn !== this.#turn) return;
      this.#listen(this.env.open(this.url, [SUBPROTOCOL]), token);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.hooks.refused("no_connection", String(error));
      if (turn === this.#turn) this.#closed(1006);
    }
  }

  #listen(socket: Socket, token: string): void {
    this.#socket = socket;
    this.#afterMs = undefined;
    const cursor = this.hooks.cursor();
    socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token, ...(cursor && { cursor }) }));
    socket.onmessage = ({ data }) => this.#heard(String(data));
    socket.onclose = ({ code, reason }) => {
      if (code === 4401 && this.#attempt > 0) this.hooks.refused("unauthorized", reason);
      if (socket === this.#socket) this.#closed(code);
    };
  }

  #heard(text: string): void {
    const message = JSON.parse(text) as ServerMessage;
    if (this.#helloAt !== undefined || message.type === "hello") this.#listenForSilence();
    if (message.type === "hello") {
      this.#helloAt ??= Date.now();
      this.#saysLive = message.session !== undefined;
    }
    if (message.type === "reconnect") this.#afterMs = message.after_ms;
    if (message.type === "token_expiring") void this.#refresh();
    const replayed = message.type === "notification" && message.replay === true;
    this.hooks.message(message, replayed || (this.#saysLive && this.#state !== "live"));
    if (message.type === "hello") this.#set(this.#saysLive ? "catching_up" : "live");
    if (message.type === "live") this.#set("live");
  }

  async #refresh(): Promise<void> {
    const turn = this.#turn;
    try {
      const token = await this.hooks.token();
      if (turn === this.#turn) this.#socket?.send(JSON.stringify({ type: "auth", token }));
    } catch (error) {
      if (turn === this.#turn) this.hooks.refused("no_token", String(error));
    }
  }

  #closed(code: number): void {
    if (this.#helloAt !== undefined && Date.now() - this.#helloAt >= OF_USE_MS) this.#attempt = 0;
    this.#drop();
    const back = comeBack({ code, attempt: this.#attempt++, afterMs: this.#afterMs }, this.env.random());
    if (!back) return this.#set("failed");
    this.#next = { ...back, at: Date.now() + back.delay };
    this.#retry = setTimeout(() => void this.#open(), back.delay);
    this.#set(this.env.online() ? "waiting" : "offline", back.delay);
  }

  #tryEarlier(): void {
    if (!this.#next || this.#next.firm) return this.due();
    clearTimeout(this.#retry);
    this.#attempt = 0;
    this.#retry = setTimeout(() => void this.#open(), 500 * this.env.random());
  }

  #probe(): void {
    if (!isOpen(this.#state)) return;
    this.say({ type: "ping" });
    this.#expect(PONG_MS);
  }

  #listenForSilence(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#probe(), SILENCE_MS);
  }

  /** The server pings, but a page does not see that: a connection that nobody cuts is given up here. */
  #expect(within: number): void {
    clearTimeout(this.#deadline);
    const turn = this.#turn;
    this.#deadline = setTimeout(() => {
      if (turn !== this.#turn) return;
      this.#turn++;
      this.#closed(1006);
    }, within);
  }

  #drop(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#silence);
    this.#pace.clear();
    this.#helloAt = this.#next = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #set(state: ConnectionState, dueIn?: number): void {
    if (state === this.#state && dueIn === undefined) return;
    this.#state = state;
    this.hooks.state(state, dueIn);
  }
}
