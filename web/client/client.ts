/** A user's inbox, live: what a page uses. */

import { fullJitter } from "./backoff.js";
import { Commands } from "./commands.js";
import { Connection, isOpen, type ConnectionState } from "./connection.js";
import { localCursors, type CursorStore } from "./cursor_store.js";
import { Emitter } from "./emitter.js";
import { browser, type Environment, type Hint } from "./environment.js";
import { owner } from "./identity.js";
import { isNewer, type Command, type Counts, type Hello, type Item, type ItemState, type ServerMessage } from "./protocol.js";
import { Tabs } from "./tabs.js";
import { checkToken } from "./token.js";

export interface ClientOptions {
  /** Of the gateway's sockets: `wss://…`. */
  url: string;
  /** Asks your backend for the user's token; called again whenever a new one is needed. */
  token: () => string | Promise<string>;
  cursors?: CursorStore;
  /** False: a socket for this tab alone. */
  share?: boolean;
  environment?: Environment;
}

export interface ClientEvents {
  connection: ConnectionState;
  hello: Hello;
  /** `history`: it was there before the page came, or came back: no toast for it. */
  notification: { item: Item; history: boolean };
  state: { change: string; items: ItemState[] };
  counts: Counts;
  /** Forget what is shown and read it again by HTTP. */
  reset: { reason: string };
  error: { code: string; detail: string };
}

type Between =
  | { kind: "joined" | "due" }
  | { kind: "state"; state: ConnectionState; dueIn: number | undefined; hello: Hello | undefined }
  | { kind: "message"; message: ServerMessage; history: boolean }
  | { kind: "command"; command: object }
  | { kind: "hint"; hint: Hint };

const TOKEN_GOOD_MS = 10_000;

export class CarillonClient extends Emitter<ClientEvents> {
  state: ConnectionState = "stopped";
  /** The newest counts, once there are some. */
  counts: Counts | undefined;
  readonly #env: Environment;
  readonly #cursors: CursorStore;
  readonly #commands: Commands;
  #connection: Connection | undefined;
  #tabs: Tabs<Between> | undefined;
  #unwatch: () => void = () => undefined;
  #turn = 0;
  #refusals = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #owner = "";
  #key = "";
  #cursor: string | null = null;
  #hello: Hello | undefined;
  #known: { token: string; at: number } | undefined;

  constructor(private readonly options: ClientOptions) {
    super();
    const env = options.environment ?? browser();
    this.#env = options.share === false ? { ...env, tabs: undefined } : env;
    this.#cursors = options.cursors ?? localCursors;
    this.#commands = new Commands((command) => this.#say(command), this.#env.random);
  }

  start(): void {
    if (this.state !== "stopped") return;
    this.#unwatch = this.#env.watch((hint) => this.#hint(hint));
    void this.#join();
  }

  stop(): void {
    this.#leave();
    this.#unwatch();
    this.#commands.stop();
    this.#set("stopped");
  }

  read = (...ids: string[]): Promise<number> => this.send({ type: "read", ids });
  unread = (...ids: string[]): Promise<number> => this.send({ type: "unread", ids });
  seen = (...ids: string[]): Promise<number> => this.send({ type: "seen", ids });
  archive = (...ids: string[]): Promise<number> => this.send({ type: "archive", ids });
  unarchive = (...ids: string[]): Promise<number> => this.send({ type: "unarchive", ids });
  snooze = (until: number, ...ids: string[]): Promise<number> => this.send({ type: "snooze", ids, until });
  unsnooze = (...ids: string[]): Promise<number> => this.send({ type: "unsnooze", ids });
  delete = (...ids: string[]): Promise<number> => this.send({ type: "delete", ids });
  readAll = (type?: string): Promise<number> =>
    this.send({ type: "read", all: true, ...(type !== undefined && { notification_type: type }) });

  /** Resolves when the command is durable, with how many items were found; said again after a reconnect. */
  send(command: Command): Promise<number> {
    return this.#commands.send(command);
  }

  /** Whose tab it is says the token: tabs of other users are other tabs. */
  async #join(): Promise<void> {
    const turn = ++this.#turn;
    this.#set("connecting");
    try {
      const token = checkToken(await this.options.token());
      if (turn !== this.#turn) return;
      this.#known = { token, at: Date.now() };
      this.#owner = owner(token);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.emit("error", { code: "no_token", detail: String(error) });
      this.#timer = setTimeout(() => void this.#join(), 500 + fullJitter(this.#refusals++, this.#env.random()));
      return this.#set("waiting");
    }
    this.#key = `carillon:${this.options.url}:${this.#owner}`;
    this.#tabs = new Tabs(this.#key, this.#env, { lead: () => this.#lead(), heard: (message) => this.#heard(message) });
    this.#tabs.post({ kind: "joined" });
    this.#tabs.join();
  }

  #leave(): void {
    this.#turn++;
    clearTimeout(this.#timer);
    this.#connection?.stop();
    this.#tabs?.leave();
    this.#connection = this.#tabs = this.#hello = this.counts = undefined;
    this.#cursor = null;
  }

  #lead(): void {
    this.#connection ??= new Connection(this.options.url, this.#env, {
      token: () => this.#token(),
      cursor: () => this.#cursor ?? this.#cursors.load(this.#key),
      message: (message, history) => {
        this.#tabs?.post({ kind: "message", message, history });
        this.#take(message, history);
      },
      state: (state, dueIn) => {
        if (!this.#tabs?.leads) return;
        this.#tabs.post({ kind: "state", state, dueIn, hello: this.#greeting() });
        this.#set(state);
      },
      refused: (code, detail) => this.#refused(code, detail),
    });
    this.#connection.start();
  }

  async #token(): Promise<string> {
    const known = this.#known;
    this.#known = undefined;
    if (known && Date.now() - known.at < TOKEN_GOOD_MS) return known.token;
    const token = checkToken(await this.options.token());
    if (owner(token) !== this.#owner && this.state !== "stopped") {
      this.#leave();
      this.emit("reset", { reason: "another_user" });
      void this.#join();
    }
    return token;
  }

  #refused(code: string, detail: string): void {
    this.emit("error", { code, detail });
    if (!this.#tabs?.yield(5_000 + fullJitter(this.#refusals++, this.#env.random()))) return;
    this.#connection?.stop();
    this.#set("waiting");
  }

  #heard(message: Between): void {
    const leads = this.#tabs?.leads;
    if (leads && message.kind === "joined") {
      this.#tabs?.post({ kind: "state", state: this.state, dueIn: undefined, hello: this.#greeting() });
    } else if (leads && message.kind === "command") this.#connection?.say(message.command);
    else if (leads && message.kind === "hint") this.#connection?.hint(message.hint);
    else if (leads && message.kind === "due") this.#connection?.due();
    else if (!leads && message.kind === "message") this.#take(message.message, message.history);
    else if (!leads && message.kind === "state") this.#follow(message.state, message.dueIn, message.hello);
  }

  /** Timers of a tab in the background are late: a tab in front tells the one with the socket that it is time. */
  #follow(state: ConnectionState, dueIn: number | undefined, hello: Hello | undefined): void {
    if (isOpen(state) && !isOpen(this.state) && hello) this.#take(hello, true);
    clearTimeout(this.#timer);
    if (dueIn !== undefined && this.#env.visible()) {
      this.#timer = setTimeout(() => this.#tabs?.post({ kind: "due" }), dueIn + 20);
    }
    this.#set(state === "stopped" ? "connecting" : state);
  }

  #take(message: ServerMessage, history: boolean): void {
    const { type } = message;
    if (type === "ok" || type === "error") {
      if (!this.#commands.answered(message) && type === "error") this.emit("error", message);
      return;
    }
    if (type === "hello") {
      this.#hello = message;
      this.#refusals = 0;
      this.emit("hello", message);
    } else if (type === "notification") this.emit("notification", { item: message.item, history });
    else if (type === "state") this.emit("state", message);
    else if (type === "reset") {
      this.counts = undefined;
      this.emit("reset", message);
    }
    if ("as_of" in message && isNewer(message.as_of, this.counts?.as_of)) this.emit("counts", (this.counts = message));
    if ("cursor" in message || type === "reset") this.#keep("cursor" in message ? (message.cursor ?? null) : null);
  }

  /** After it was shown: what a page did not get to show comes again. */
  #keep(cursor: string | null): void {
    this.#cursor = cursor;
    if (this.#tabs?.leads) this.#cursors.save(this.#key, cursor);
  }

  #greeting(): Hello | undefined {
    return this.#hello && { ...this.#hello, ...this.#countsOnly(), cursor: this.#cursor ?? this.#hello.cursor };
  }

  #countsOnly(): Partial<Counts> {
    const { unread, unseen, as_of } = this.counts ?? this.#hello!;
    return { unread, as_of, ...(unseen !== undefined && { unseen }) };
  }

  #say(command: object): void {
    if (this.#tabs?.leads) this.#connection?.say(command);
    else this.#tabs?.post({ kind: "command", command });
  }

  #hint(hint: Hint): void {
    if (this.#tabs?.leads) return this.#connection?.hint(hint);
    if (hint === "stale") this.emit("reset", { reason: "stale" });
    this.#tabs?.post(hint === "stale" ? { kind: "joined" } : { kind: "hint", hint });
  }

  #set(state: ConnectionState): void {
    const opened = isOpen(state) && !isOpen(this.state);
    if (state === this.state) return;
    this.state = state;
    this.emit("connection", state);
    if (opened) this.#commands.repeat();
  }
}
